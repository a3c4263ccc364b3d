-- Finds the course that was accepted from the same body within the last hour, for a redelivered message without an id.
SELECT request_id
FROM courses
WHERE body_hash = :body_hash AND user_id = :user_id AND created_at > now() - interval '1 hour'
ORDER BY created_at DESC
LIMIT 1
