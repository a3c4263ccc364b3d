-- The first statement of every transaction of an attempt: locks the course, then its queue row, always in this order,
-- and says whether the lease is still held. An operator's UPDATE locks in the same order, so the two can't deadlock.
CREATE OR REPLACE FUNCTION public.hold_lease(course UUID, lease UUID) RETURNS BOOLEAN
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    holder UUID;
BEGIN
    PERFORM FROM public.courses WHERE id = course FOR NO KEY UPDATE;
    SELECT lease_owner INTO holder FROM public.generation_queue
    WHERE course_id = course AND lease_id = lease FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN FALSE;
    END IF;
    -- For course_events: who makes the changes of this transaction.
    PERFORM set_config('course_generator.worker', holder::text, TRUE);
    RETURN TRUE;
END
$$;

-- It locks rows: workers get it by a grant.
REVOKE EXECUTE ON FUNCTION public.hold_lease(uuid, uuid) FROM PUBLIC;
