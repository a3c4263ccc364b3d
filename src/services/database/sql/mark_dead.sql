-- Sets a message aside that can't be published. It holds up no other, and is tried again if `dead_at` is made NULL.
UPDATE public.outbox
SET claimed_until = NULL, failures = failures + 1, last_error = :error, dead_at = now()
WHERE id = :id AND published_at IS NULL AND claimed_by = :worker_id
