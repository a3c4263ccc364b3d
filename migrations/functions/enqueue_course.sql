-- Puts a course in line. It gets its turn from the claim (give_turns.sql), not here: turns depend on what others have
-- queued, and to be given here they would need a lock that somebody else could hold.
CREATE OR REPLACE FUNCTION public.enqueue_course(c public.courses) RETURNS VOID
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO public.generation_queue (course_id, user_id, priority)
    VALUES (c.id, c.user_id, CASE WHEN c.request ->> 'priority' ~ '^[0-9]$' THEN (c.request ->> 'priority')::SMALLINT ELSE 4 END)
$$;

-- Only triggers call it.
REVOKE EXECUTE ON FUNCTION public.enqueue_course(public.courses) FROM PUBLIC;
