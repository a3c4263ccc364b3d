-- `courses.status` is a control surface. This function refuses illegal moves, and sets the other columns that a move
-- changes. SECURITY DEFINER, so that a service which may touch only `courses` can use all of it.
CREATE OR REPLACE FUNCTION public.courses_check_status() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    written INT;
    planned INT;
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
                OR EXISTS (SELECT FROM public.generation_queue WHERE course_id = NEW.id AND lease_id IS NOT NULL) THEN
                NEW.attempts := 0;
            END IF;
        WHEN 'READY' THEN
            IF EXISTS (SELECT FROM public.generation_queue WHERE course_id = NEW.id) THEN
                SELECT count(*) INTO written FROM public.lessons WHERE course_id = NEW.id;
                planned := CASE jsonb_typeof(NEW.outline_json -> 'lessons')
                    WHEN 'array' THEN jsonb_array_length(NEW.outline_json -> 'lessons') END;
                IF written IS DISTINCT FROM planned THEN
                    RAISE EXCEPTION 'course % can''t become READY: it has % lesson(s), and its outline %',
                        NEW.id, written, coalesce(planned::text, 'none')
                        USING ERRCODE = 'check_violation',
                              HINT = 'Its worker makes it READY. To end it now, cancel it: status FAILED.';
                END IF;
            END IF;
            NEW.generated_at := coalesce(NEW.generated_at, now());
            NEW.usage := public.course_usage(NEW.id);
        WHEN 'FAILED' THEN
            NEW.usage := public.course_usage(NEW.id);
            -- Workers always give a code, so whoever gave none cancels. A course that isn't queued belongs to the
            -- program that inserted it, and so does its failure.
            IF NEW.error_code IS NULL AND EXISTS (SELECT FROM public.generation_queue WHERE course_id = NEW.id) THEN
                NEW.error_code := 'cancelled';
                NEW.error_message := coalesce(nullif(NEW.error_message, ''), 'Cancelled');
            END IF;
        ELSE
            NULL;
    END CASE;
    RETURN NEW;
END
$$;

-- Nobody may make it the trigger of another table; the triggers here need no right to call it.
REVOKE EXECUTE ON FUNCTION public.courses_check_status() FROM PUBLIC;

CREATE OR REPLACE TRIGGER courses_check_status BEFORE INSERT OR UPDATE OF status ON public.courses
    FOR EACH ROW EXECUTE FUNCTION public.courses_check_status();
