-- Puts messages off for a while because of trouble of the broker, which is no failure of theirs: those behind them have
-- their turn first.
UPDATE public.outbox
SET claimed_until = NULL, last_error = :error, publish_after = now() + make_interval(secs => :delay)
WHERE id = ANY (CAST(:ids AS bigint[])) AND published_at IS NULL AND claimed_by = :worker_id
