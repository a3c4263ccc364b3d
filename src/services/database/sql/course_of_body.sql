-- Finds the course that was accepted from the same body not long ago, for a redelivered message without an id.
SELECT request_id
FROM public.courses
WHERE body_hash = :body_hash AND user_id = :user_id AND created_at > now() - make_interval(secs => :within)
ORDER BY created_at DESC
LIMIT 1
