-- 0005 control: `courses.status` as a control surface. Whoever changes it, by whatever program, the rules are kept,
-- the queue follows, the history is written and the result is sent. SECURITY DEFINER, so that a service which may
-- touch `courses` only can use all of it.

CREATE OR REPLACE FUNCTION public.courses_check_status() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF NEW.status = 'QUEUED' AND NEW.total_lessons = 0 THEN
        NEW.total_lessons := 4;
    END IF;
    IF TG_OP = 'INSERT' THEN
        RETURN NEW;
    END IF;
    IF NEW.status = OLD.status THEN
        RETURN NEW;
    END IF;
    IF (OLD.status, NEW.status) NOT IN (
        ('QUEUED', 'GENERATING'), ('QUEUED', 'FAILED'),
        ('GENERATING', 'READY'), ('GENERATING', 'FAILED'), ('GENERATING', 'QUEUED'),
        ('FAILED', 'QUEUED')
    ) THEN
        RAISE EXCEPTION 'course % is % and can''t become %', OLD.id, OLD.status, NEW.status
            USING ERRCODE = 'check_violation',
                  HINT = CASE OLD.status
                      WHEN 'READY' THEN 'A finished course never changes; send a request with a new request_id.'
                      WHEN 'FAILED' THEN 'Retry it: UPDATE courses SET status = ''QUEUED'' WHERE id = …'
                      ELSE 'Legal: QUEUED to GENERATING or FAILED; GENERATING to READY, FAILED or QUEUED; FAILED to QUEUED.'
                  END;
    END IF;
    CASE NEW.status
        WHEN 'QUEUED' THEN
            NEW.error_code := NULL;
            NEW.error_message := NULL;
            -- An operator's retry. A worker that hands a course back has let go of its lease before.
            IF OLD.status = 'FAILED'
                OR EXISTS (SELECT FROM generation_queue WHERE course_id = NEW.id AND lease_id IS NOT NULL) THEN
                NEW.attempts := 0;
            END IF;
        WHEN 'READY' THEN
            NEW.generated_at := coalesce(NEW.generated_at, now());
            NEW.usage := course_usage(NEW.id);
        WHEN 'FAILED' THEN
            NEW.usage := course_usage(NEW.id);
            -- Workers always give a code, so whoever gave none cancels. A course that isn't queued belongs to the
            -- program that inserted it, and so does its failure.
            IF NEW.error_code IS NULL AND EXISTS (SELECT FROM generation_queue WHERE course_id = NEW.id) THEN
                NEW.error_code := 'cancelled';
                NEW.error_message := coalesce(nullif(NEW.error_message, ''), 'Cancelled');
            END IF;
        ELSE
            NULL;
    END CASE;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION public.courses_follow_status() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    queued generation_queue;
    is_queued BOOLEAN;
BEGIN
    SELECT * INTO queued FROM generation_queue WHERE course_id = NEW.id FOR NO KEY UPDATE;
    is_queued := FOUND;

    IF TG_OP = 'INSERT' OR NEW.status <> OLD.status THEN
        INSERT INTO course_events (course_id, from_status, to_status, attempt, worker, reason)
        VALUES (
            NEW.id,
            CASE WHEN TG_OP = 'UPDATE' THEN OLD.status END,
            NEW.status,
            NEW.attempts,
            coalesce(queued.lease_owner, nullif(current_setting('course_generator.worker', TRUE), '')::UUID),
            coalesce(nullif(current_setting('course_generator.reason', TRUE), ''), NEW.error_message)
        );
    END IF;

    CASE NEW.status
        WHEN 'QUEUED' THEN
            IF NOT is_queued THEN
                PERFORM enqueue_course(NEW);
            ELSIF TG_OP = 'UPDATE' AND OLD.status = 'GENERATING' AND queued.lease_id IS NOT NULL THEN
                -- Nobody handed the course back: an operator takes it from its worker and wants a fresh start.
                UPDATE generation_queue
                SET lease_id = NULL, lease_owner = NULL, leased_at = NULL, attempt = 0, postponements = 0,
                    postponed_since = NULL, queued_at = now(), run_after = now()
                WHERE course_id = NEW.id;
            END IF;
        WHEN 'GENERATING' THEN
            IF is_queued AND queued.lease_id IS NULL THEN
                -- Not a worker's claim: the program that says so writes the course itself.
                DELETE FROM generation_queue WHERE course_id = NEW.id;
            ELSIF is_queued AND NOT EXISTS (
                SELECT FROM outbox
                WHERE course_id = NEW.id AND type = 'course.processing' AND created_at >= queued.queued_at
            ) THEN
                PERFORM put_status(NEW);
            END IF;
        ELSE
            IF is_queued THEN
                DELETE FROM generation_queue WHERE course_id = NEW.id;
                -- A success waits for the files, but not for ever: its worker may have died over them.
                PERFORM put_status(NEW, CASE WHEN NEW.output_path IS NOT NULL AND NEW.status = 'READY'
                                             THEN INTERVAL '2 minutes' ELSE INTERVAL '0' END);
            END IF;
    END CASE;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION public.courses_follow_delete() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    -- Who waits for the result of a course that is deleted while it is open must hear of it.
    IF EXISTS (SELECT FROM generation_queue WHERE course_id = OLD.id) THEN
        OLD.status := 'FAILED';
        OLD.error_code := 'cancelled';
        OLD.error_message := 'The course was deleted';
        PERFORM put_status(OLD);
    END IF;
    DELETE FROM outbox WHERE course_id = OLD.id AND published_at IS NOT NULL;
    RETURN OLD;
END
$$;

CREATE OR REPLACE TRIGGER courses_check_status BEFORE INSERT OR UPDATE OF status ON public.courses
    FOR EACH ROW EXECUTE FUNCTION public.courses_check_status();
CREATE OR REPLACE TRIGGER courses_follow_status AFTER INSERT OR UPDATE OF status ON public.courses
    FOR EACH ROW EXECUTE FUNCTION public.courses_follow_status();
CREATE OR REPLACE TRIGGER courses_follow_delete BEFORE DELETE ON public.courses
    FOR EACH ROW EXECUTE FUNCTION public.courses_follow_delete();

DO $$
DECLARE
    left_open BIGINT;
BEGIN
    SELECT count(*) INTO left_open FROM public.courses c
    WHERE c.status IN ('QUEUED', 'GENERATING')
      AND NOT EXISTS (SELECT FROM public.generation_queue q WHERE q.course_id = c.id);
    IF left_open > 0 THEN
        RAISE NOTICE '% course(s) are QUEUED or GENERATING but not in the queue; they stay as they are', left_open
            USING HINT = 'DATABASE.md, "Courses that another program left open", has the query that queues them.';
    END IF;
END
$$;
