-- The program of before doesn't know these requests, and they were acknowledged. Nobody adds one meanwhile.
LOCK TABLE public.requests_set_aside IN ACCESS EXCLUSIVE MODE;
DO $$
BEGIN
    IF EXISTS (SELECT FROM public.requests_set_aside) THEN
        RAISE EXCEPTION 'requests wait in requests_set_aside'
            USING HINT = 'Let a worker of this version run until the table is empty, then try again.';
    END IF;
END
$$;
DROP TABLE public.requests_set_aside;

-- The program of before has no such code.
UPDATE public.courses SET error_code = 'budget_exceeded' WHERE error_code = 'limit_exceeded';
ALTER TABLE public.courses DROP CONSTRAINT courses_error_code;
ALTER TABLE public.courses ADD CONSTRAINT courses_error_code CHECK (error_code IN (
    'invalid_request', 'request_id_conflict', 'no_sources', 'model_unavailable', 'model_refused',
    'model_output_invalid', 'budget_exceeded', 'attempts_exhausted', 'cancelled', 'internal'
));

ALTER TABLE public.courses DROP CONSTRAINT IF EXISTS courses_sizes;
DROP INDEX IF EXISTS public.courses_user_created;

ALTER TABLE public.workers DROP COLUMN IF EXISTS token;

-- What was given up is tried again by the program of before.
DROP INDEX IF EXISTS public.outbox_due, public.outbox_dead;
ALTER TABLE public.outbox DROP COLUMN IF EXISTS dead_at;
CREATE INDEX IF NOT EXISTS outbox_pending ON public.outbox (id) WHERE published_at IS NULL;

DROP TRIGGER IF EXISTS courses_follow_truncate ON public.courses;
DROP TRIGGER IF EXISTS source_passages_truncated ON public.source_passages;
DROP FUNCTION IF EXISTS public.courses_follow_truncate(), public.source_passages_truncated();

-- Courses that have no turn yet come last, in the order in which they were queued.
UPDATE public.generation_queue q SET fair_rank = n.turn
FROM (
    SELECT course_id, (SELECT coalesce(max(fair_rank), 0) FROM public.generation_queue)
                      + row_number() OVER (ORDER BY queued_at, course_id) AS turn
    FROM public.generation_queue WHERE fair_rank IS NULL
) n
WHERE n.course_id = q.course_id;
DROP INDEX IF EXISTS public.generation_queue_new;
ALTER TABLE public.generation_queue ALTER COLUMN fair_rank SET NOT NULL;
COMMENT ON COLUMN public.generation_queue.fair_rank IS 'Turn within a priority: users take turns however much each has queued';

-- The functions as 0011 has them.

-- Computes the quality figures of a course from its lessons. The worker computes the same for courses that it writes
-- with files only; a test compares the two.
CREATE OR REPLACE FUNCTION public.course_quality(course UUID) RETURNS JSONB
LANGUAGE sql STABLE
SET search_path = public, pg_temp
AS $$
    SELECT jsonb_build_object(
        'lessons_with_sources', count(*) FILTER (WHERE cardinality(l.sources) > 0),
        'lessons_without_sources', count(*) FILTER (WHERE coalesce(cardinality(l.sources), 0) = 0),
        'citations', coalesce(sum(quality_count(l.quality, 'citations')), 0),
        'citations_removed', coalesce(sum(quality_count(l.quality, 'citations_removed')), 0),
        'citation_precision', trim_scale(round(sum(quality_figure(l.quality, 'citations_verified'))
                                               / nullif(sum(quality_figure(l.quality, 'citations')), 0), 3)),
        'citation_coverage', trim_scale(round(sum(quality_figure(l.quality, 'cited_sentences'))
                                              / nullif(sum(quality_figure(l.quality, 'factual_sentences')), 0), 3)),
        'reading_grade', trim_scale(round(avg(quality_figure(l.quality, 'reading_grade')), 1)),
        'hardest_reading_grade', max(quality_figure(l.quality, 'reading_grade')),
        'checks', (SELECT count(*) FROM lesson_checks k JOIN lessons kl ON kl.id = k.lesson_id
                   WHERE kl.course_id = course),
        'valid_keys', coalesce(sum(quality_count(l.quality, 'valid_keys')), 0),
        'hard_findings', coalesce(sum(quality_count(l.quality, 'hard_findings')), 0) + (
            SELECT count(*) FROM courses c, jsonb_path_query(c.outline_findings, '$[*].severity') AS severity
            WHERE c.id = course AND severity = '"hard"'),
        'soft_findings', coalesce(sum(quality_count(l.quality, 'soft_findings')), 0) + (
            SELECT count(*) FROM courses c, jsonb_path_query(c.outline_findings, '$[*].severity') AS severity
            WHERE c.id = course AND severity = '"soft"')
    )
    FROM lessons l WHERE l.course_id = course
$$;

-- Counts what the model calls of a course took. The worker counts the same for courses that it writes with files only;
-- a test compares the two. There is a cost only if each call that took tokens has one, as the cost of some calls alone
-- would look too small.
CREATE OR REPLACE FUNCTION public.course_usage(course UUID) RETURNS JSONB
LANGUAGE sql STABLE
SET search_path = public, pg_temp
AS $$
    SELECT jsonb_build_object(
        'calls', count(*),
        'input_tokens', coalesce(sum(input_tokens), 0),
        'cached_tokens', coalesce(sum(cached_tokens), 0),
        'output_tokens', coalesce(sum(output_tokens), 0),
        'cost', CASE WHEN NOT bool_or(cost IS NULL AND input_tokens + output_tokens > 0) THEN sum(cost) END
    )
    FROM model_calls
    WHERE course_id = course
$$;

-- `courses.status` is a control surface. This function refuses illegal moves, and sets the other columns that a move
-- changes. SECURITY DEFINER, so that a service which may touch only `courses` can use all of it.
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

-- `courses` is a control surface. When a course is deleted, this function tells those who wait for its result, and
-- clears its published messages. SECURITY DEFINER, so that a service which may touch only `courses` can use all of it.
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

-- `courses.status` is a control surface: whoever changes it, by whatever program, the queue follows, the history is
-- written and the result is sent. SECURITY DEFINER, so that a service which may touch only `courses` can use all of it.
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

-- Fills `courses.slug`. A slug that was given stays, and that of a finished course never changes, so that links stay
-- good.
CREATE OR REPLACE FUNCTION public.courses_set_slug() RETURNS TRIGGER
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.status = 'READY' THEN
        NEW.slug := OLD.slug;  -- links to a finished course stay good
    ELSIF TG_OP = 'UPDATE' AND NEW.title IS DISTINCT FROM OLD.title THEN
        NEW.slug := course_slug(NEW.title, NEW.id);
    ELSE
        NEW.slug := coalesce(nullif(NEW.slug, ''), course_slug(NEW.title, NEW.id));
    END IF;
    RETURN NEW;
END
$$;

-- Puts a course in line, by start-time fair queueing. A user's next course comes after the user's last one, and not
-- before the turn that is being served now, so 500 courses of one user don't keep another user's first one waiting.
CREATE OR REPLACE FUNCTION public.enqueue_course(c public.courses) RETURNS VOID
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    wanted SMALLINT := CASE WHEN c.request ->> 'priority' ~ '^[0-9]$' THEN (c.request ->> 'priority')::SMALLINT ELSE 4 END;
    users_last BIGINT;
    now_served BIGINT;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(c.user_id::text, 0));
    SELECT max(fair_rank) INTO users_last
    FROM generation_queue WHERE user_id = c.user_id AND priority = wanted;
    SELECT fair_rank INTO now_served
    FROM generation_queue WHERE priority = wanted AND lease_id IS NULL AND run_after <= now()
    ORDER BY fair_rank LIMIT 1;
    IF now_served IS NULL THEN
        -- Nobody waits: the turn being served is the last that was given out.
        SELECT max(fair_rank) INTO now_served FROM generation_queue WHERE priority = wanted;
    END IF;
    INSERT INTO generation_queue (course_id, user_id, priority, fair_rank)
    VALUES (c.id, c.user_id, wanted, greatest(users_last, now_served, 0) + 1);
END
$$;

-- Says whether the same request may succeed if it is tried again with nothing changed. ErrorCode.retryable in src says
-- the same; a test compares the two.
CREATE OR REPLACE FUNCTION public.error_is_retryable(code TEXT) RETURNS BOOLEAN
LANGUAGE sql IMMUTABLE
AS $$
    SELECT code IN ('model_unavailable', 'model_output_invalid', 'attempts_exhausted', 'internal')
$$;

-- The first statement of every transaction of an attempt: locks the course, then its queue row, always in this order,
-- and says whether the lease is still held. An operator's UPDATE locks in the same order, so the two can't deadlock.
CREATE OR REPLACE FUNCTION public.hold_lease(course UUID, lease UUID) RETURNS BOOLEAN
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    holder UUID;
BEGIN
    PERFORM FROM courses WHERE id = course FOR NO KEY UPDATE;
    SELECT lease_owner INTO holder FROM generation_queue
    WHERE course_id = course AND lease_id = lease FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN FALSE;
    END IF;
    -- For course_events: who makes the changes of this transaction.
    PERFORM set_config('course_generator.worker', holder::text, TRUE);
    RETURN TRUE;
END
$$;

-- Puts the message for the status of `c` into the outbox; a final one also for everyone who asked for a reply. The
-- message_id of a success follows from the course. If the course was also written with files only, while the database
-- was away, both messages have the same id, and whoever has seen the one drops the other.
CREATE OR REPLACE FUNCTION public.put_status(c public.courses, hold INTERVAL DEFAULT '0') RETURNS VOID
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    message JSON := status_message(c);
    encoded BYTEA := convert_to(message::text, 'UTF8');
    kind TEXT := 'course.' || (message ->> 'status');
    sent_as UUID := CASE
        WHEN c.status = 'READY'
        THEN encode(substr(sha256(uuid_send(c.id) || convert_to(kind, 'UTF8')), 1, 16), 'hex')::UUID
        ELSE gen_random_uuid()
    END;
BEGIN
    INSERT INTO outbox (course_id, destination, message_id, correlation_id, type, body, publish_after)
    VALUES (c.id, 'status', sent_as, c.request_id, kind, encoded, now() + hold);
    IF c.status IN ('READY', 'FAILED') THEN
        INSERT INTO outbox (course_id, destination, routing_key, message_id, correlation_id, type, body, publish_after)
        SELECT c.id, 'reply', reply_to, sent_as, correlation_id, kind, encoded, now() + hold
        FROM course_replies WHERE course_id = c.id;
    END IF;
END
$$;

-- Returns a figure of a `quality` as an INT; NULL if it is no number that fits.
CREATE OR REPLACE FUNCTION public.quality_count(quality JSONB, name TEXT) RETURNS INT
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN public.quality_figure(quality, name) BETWEEN -2147483648 AND 2147483647
                THEN public.quality_figure(quality, name)::int END
$$;

-- Returns a figure of a `quality`; NULL if it is no number. Other programs may write a `quality` too, and one bad row
-- must break no view.
CREATE OR REPLACE FUNCTION public.quality_figure(quality JSONB, name TEXT) RETURNS NUMERIC
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN pg_catalog.jsonb_typeof(quality -> name) = 'number' THEN (quality ->> name)::numeric END
$$;

-- Sends the stored result of a course that is READY or FAILED once more, with the message_id that it had.
-- If `reply_to` is given, that queue gets it too. Returns FALSE if the course is open: its result is still to come.
CREATE OR REPLACE FUNCTION public.repeat_result(course UUID, reply_to TEXT DEFAULT NULL, correlation TEXT DEFAULT NULL)
RETURNS BOOLEAN
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    c courses;
    result outbox;
BEGIN
    -- The lock makes this wait for a worker that is finishing the course right now.
    SELECT * INTO c FROM courses WHERE id = course FOR NO KEY UPDATE;
    IF NOT FOUND OR c.status NOT IN ('READY', 'FAILED') THEN
        RETURN FALSE;
    END IF;
    SELECT * INTO result FROM outbox o
    WHERE o.course_id = course AND o.destination = 'status' AND o.type IN ('course.success', 'course.error')
    ORDER BY o.id DESC LIMIT 1;
    IF NOT FOUND THEN  -- an import, or a course of another program
        PERFORM put_status(c);
        SELECT * INTO result FROM outbox o WHERE o.course_id = course AND o.destination = 'status' ORDER BY o.id DESC LIMIT 1;
    ELSIF result.published_at IS NOT NULL THEN
        UPDATE outbox SET published_at = NULL, claimed_until = NULL, publish_after = now(), failures = 0, last_error = NULL
        WHERE id = result.id;
    ELSIF result.claimed_until > now() THEN
        -- A relay has it, and may have sent it before this repeat was asked for, without having marked it yet.
        INSERT INTO outbox (course_id, destination, message_id, correlation_id, type, body)
        VALUES (course, 'status', result.message_id, result.correlation_id, result.type, result.body);
    END IF;
    IF reply_to IS NOT NULL THEN
        INSERT INTO outbox (course_id, destination, routing_key, message_id, correlation_id, type, body, publish_after)
        VALUES (course, 'reply', reply_to, result.message_id, correlation, result.type, result.body,
                greatest(result.publish_after, now()));
    END IF;
    RETURN TRUE;
END
$$;

-- Keeps source_lexemes and source_prefixes in step with the passages, whoever adds or deletes a document.
CREATE OR REPLACE FUNCTION public.source_passages_count() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    step CONSTANT INT := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    -- Nearly every document has words that others have too: whoever writes takes turns, else two would deadlock.
    PERFORM pg_advisory_xact_lock(hashtextextended('course-generator source library', 0));
    INSERT INTO source_lexemes AS l (lexeme, passages)
    SELECT w.lexeme, step * count(*) FROM changed, unnest(changed.words) w GROUP BY w.lexeme
    ON CONFLICT (lexeme) DO UPDATE SET passages = l.passages + EXCLUDED.passages;
    INSERT INTO source_prefixes AS p (prefix, passages)
    SELECT prefix, step * count(*) FROM changed, unnest(changed.prefixes || ''::text) prefix GROUP BY prefix
    ON CONFLICT (prefix) DO UPDATE SET passages = p.passages + EXCLUDED.passages;
    IF TG_OP = 'DELETE' THEN
        DELETE FROM source_prefixes p USING (SELECT DISTINCT unnest(prefixes) AS prefix FROM changed) c
        WHERE p.prefix = c.prefix AND p.passages <= 0;
    END IF;
    RETURN NULL;
END
$$;

-- Returns the message for the status that `c` has now, as docs/contract/status.schema.json describes it. Nothing else
-- in SQL composes one. The worker composes the same for courses that it writes with files only; a test compares the
-- two.
CREATE OR REPLACE FUNCTION public.status_message(c public.courses) RETURNS JSON
LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp
AS $$
DECLARE
    stamp CONSTANT TEXT := to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"');
BEGIN
    CASE c.status
        WHEN 'GENERATING' THEN
            RETURN json_build_object(
                'request_id', c.request_id, 'user_id', c.user_id, 'status', 'processing', 'course_id', c.id,
                'message', format('Generating course for ''%s''', c.topic), 'timestamp', stamp);
        WHEN 'READY' THEN
            RETURN json_build_object(
                'request_id', c.request_id, 'user_id', c.user_id, 'status', 'success', 'course_id', c.id,
                'course_title', c.title, 'total_lessons', c.total_lessons,
                'message', 'Course generated successfully', 'output_path', c.output_path, 'stored_in', 'database',
                'usage', coalesce(c.usage, '{}'), 'quality', coalesce(c.quality, '{}'), 'timestamp', stamp);
        WHEN 'FAILED' THEN
            RETURN json_build_object(
                'request_id', c.request_id, 'user_id', c.user_id, 'status', 'error', 'course_id', c.id,
                'error_code', coalesce(c.error_code, 'internal'),
                'retryable', error_is_retryable(coalesce(c.error_code, 'internal')),
                'message', coalesce(c.error_message, ''), 'timestamp', stamp);
    END CASE;
END
$$;

-- Keeps `updated_at`, so that no program has to.
CREATE OR REPLACE FUNCTION public.touch_updated_at() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

GRANT EXECUTE ON FUNCTION public.put_status(public.courses, interval) TO PUBLIC;
GRANT EXECUTE ON FUNCTION public.enqueue_course(public.courses) TO PUBLIC;
GRANT EXECUTE ON FUNCTION public.repeat_result(uuid, text, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION public.hold_lease(uuid, uuid) TO PUBLIC;
GRANT EXECUTE ON FUNCTION public.courses_check_status() TO PUBLIC;
GRANT EXECUTE ON FUNCTION public.courses_set_slug() TO PUBLIC;
GRANT EXECUTE ON FUNCTION public.touch_updated_at() TO PUBLIC;
GRANT EXECUTE ON FUNCTION public.courses_follow_status() TO PUBLIC;
GRANT EXECUTE ON FUNCTION public.courses_follow_delete() TO PUBLIC;
GRANT EXECUTE ON FUNCTION public.source_passages_count() TO PUBLIC;
