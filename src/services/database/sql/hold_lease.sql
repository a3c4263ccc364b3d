-- The fence: locks course and queue row and says whether the lease is still held, and in which transaction.
SELECT hold_lease(:course_id, :lease_id) AS held, pg_current_xact_id()::text AS transaction
