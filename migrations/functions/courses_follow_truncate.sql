-- `courses` is a control surface. When all courses are deleted at once by TRUNCATE, which fires no trigger of rows, this
-- function does for each what courses_follow_delete does. SECURITY DEFINER, as that one.
CREATE OR REPLACE FUNCTION public.courses_follow_truncate() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c public.courses;
BEGIN
    FOR c IN SELECT open.* FROM public.courses open JOIN public.generation_queue q ON q.course_id = open.id LOOP
        c.status := 'FAILED';
        c.error_code := 'cancelled';
        c.error_message := 'The course was deleted';
        PERFORM public.put_status(c, INTERVAL '0');
    END LOOP;
    DELETE FROM public.outbox WHERE course_id IS NOT NULL AND published_at IS NOT NULL;
    RETURN NULL;
END
$$;

-- Nobody may make it the trigger of another table; the triggers here need no right to call it.
REVOKE EXECUTE ON FUNCTION public.courses_follow_truncate() FROM PUBLIC;

-- Before: the rows of other tables that it reads are truncated with the courses.
CREATE OR REPLACE TRIGGER courses_follow_truncate BEFORE TRUNCATE ON public.courses
    FOR EACH STATEMENT EXECUTE FUNCTION public.courses_follow_truncate();
