-- The broker is away: no fault of the messages.
UPDATE outbox SET claimed_until = NULL
WHERE id = ANY (CAST(:ids AS bigint[])) AND published_at IS NULL AND claimed_by = :worker_id
