-- Finds the course of a request that was accepted before. The lock waits for a worker that is finishing it right now.
SELECT id, request_hash
FROM public.courses
WHERE user_id = :user_id AND request_id = :request_id
FOR NO KEY UPDATE
