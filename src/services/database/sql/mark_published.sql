UPDATE public.outbox SET published_at = now(), claimed_until = NULL, last_error = NULL, dead_at = NULL
WHERE id = ANY (CAST(:ids AS bigint[])) AND published_at IS NULL
