-- `courses.status` is a control surface: whoever changes it, by whatever program, the queue follows, the history is
-- written and the result is sent. SECURITY DEFINER, so that a service which may touch only `courses` can use all of it.
CREATE OR REPLACE FUNCTION public.courses_follow_status() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    queued public.generation_queue;
    is_queued BOOLEAN;
    -- Any role can set these parameters; only a worker's are believed.
    is_worker CONSTANT BOOLEAN := has_table_privilege(session_user, 'public.course_events', 'INSERT');
BEGIN
    SELECT * INTO queued FROM public.generation_queue WHERE course_id = NEW.id FOR NO KEY UPDATE;
    is_queued := FOUND;

    IF TG_OP = 'INSERT' OR NEW.status <> OLD.status THEN
        INSERT INTO public.course_events (course_id, from_status, to_status, attempt, worker, reason)
        VALUES (
            NEW.id,
            CASE WHEN TG_OP = 'UPDATE' THEN OLD.status END,
            NEW.status,
            NEW.attempts,
            coalesce(queued.lease_owner, CASE WHEN is_worker
                THEN nullif(current_setting('course_generator.worker', TRUE), '')::UUID END),
            coalesce(CASE WHEN is_worker THEN nullif(current_setting('course_generator.reason', TRUE), '') END,
                     left(NEW.error_message, 10000))
        );
    END IF;

    CASE NEW.status
        WHEN 'QUEUED' THEN
            IF NOT is_queued THEN
                PERFORM public.enqueue_course(NEW);
            ELSIF TG_OP = 'UPDATE' AND OLD.status = 'GENERATING' AND queued.lease_id IS NOT NULL THEN
                -- Nobody handed the course back: an operator takes it from its worker and wants a fresh start.
                UPDATE public.generation_queue
                SET lease_id = NULL, lease_owner = NULL, leased_at = NULL, attempt = 0, postponements = 0,
                    postponed_since = NULL, queued_at = now(), run_after = now()
                WHERE course_id = NEW.id;
            END IF;
        WHEN 'GENERATING' THEN
            IF is_queued AND queued.lease_id IS NULL THEN
                -- Not a worker's claim: the program that says so writes the course itself.
                DELETE FROM public.generation_queue WHERE course_id = NEW.id;
            ELSIF is_queued AND NOT EXISTS (
                SELECT FROM public.outbox
                WHERE course_id = NEW.id AND type = 'course.processing' AND created_at >= queued.queued_at
            ) THEN
                PERFORM public.put_status(NEW, INTERVAL '0');
            END IF;
        ELSE
            IF is_queued THEN
                DELETE FROM public.generation_queue WHERE course_id = NEW.id;
                -- A success waits for the files, but not for ever: its worker may have died over them.
                PERFORM public.put_status(NEW, CASE WHEN NEW.output_path IS NOT NULL AND NEW.status = 'READY'
                                             THEN INTERVAL '2 minutes' ELSE INTERVAL '0' END);
            END IF;
    END CASE;
    RETURN NULL;
END
$$;

-- Nobody may make it the trigger of another table; the triggers here need no right to call it.
REVOKE EXECUTE ON FUNCTION public.courses_follow_status() FROM PUBLIC;

CREATE OR REPLACE TRIGGER courses_follow_status AFTER INSERT OR UPDATE OF status ON public.courses
    FOR EACH ROW EXECUTE FUNCTION public.courses_follow_status();
