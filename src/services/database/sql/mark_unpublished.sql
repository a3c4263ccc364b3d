-- Puts off a message that the broker wouldn't take.
UPDATE public.outbox
SET claimed_until = NULL, failures = least(failures, 1000000) + 1, last_error = :error, publish_after = now() + make_interval(secs => :delay)
WHERE id = :id AND published_at IS NULL AND claimed_by = :worker_id
