-- The fence: locks course and queue row and says whether the lease is still held, and in which transaction.
SELECT public.hold_lease(CAST(:course_id AS uuid), CAST(:lease_id AS uuid)) AS held, pg_current_xact_id()::text AS transaction
