-- Gives messages back while the broker is away, which is no failure of theirs.
UPDATE public.outbox SET claimed_until = NULL
WHERE id = ANY (CAST(:ids AS bigint[])) AND published_at IS NULL AND claimed_by = :worker_id
