-- The fence: locks course and queue row and says whether the lease is still held.
SELECT hold_lease(:course_id, :lease_id)
