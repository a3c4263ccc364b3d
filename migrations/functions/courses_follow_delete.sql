-- `courses` is a control surface. When a course is deleted, this function tells those who wait for its result, and
-- clears its published messages. SECURITY DEFINER, so that a service which may touch only `courses` can use all of it.
CREATE OR REPLACE FUNCTION public.courses_follow_delete() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Who waits for the result of a course that is deleted while it is open must hear of it.
    IF EXISTS (SELECT FROM public.generation_queue WHERE course_id = OLD.id) THEN
        OLD.status := 'FAILED';
        OLD.error_code := 'cancelled';
        OLD.error_message := 'The course was deleted';
        PERFORM public.put_status(OLD, INTERVAL '0');
    END IF;
    DELETE FROM public.outbox WHERE course_id = OLD.id AND published_at IS NOT NULL;
    RETURN OLD;
END
$$;

-- Nobody may make it the trigger of another table; the triggers here need no right to call it.
REVOKE EXECUTE ON FUNCTION public.courses_follow_delete() FROM PUBLIC;

CREATE OR REPLACE TRIGGER courses_follow_delete BEFORE DELETE ON public.courses
    FOR EACH ROW EXECUTE FUNCTION public.courses_follow_delete();
