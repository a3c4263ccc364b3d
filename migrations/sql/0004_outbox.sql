-- 0004 outbox: messages for the broker, written in the transaction that they report on.

CREATE TABLE IF NOT EXISTS public.outbox (
    id             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    course_id      UUID,
    destination    TEXT NOT NULL CHECK (destination IN (
        'status',  -- the exchange, with the status routing key
        'reply',   -- the queue that the requester named in reply_to
        'dead'     -- the queue of rejected requests
    )),
    routing_key    TEXT CHECK ((routing_key IS NOT NULL) = (destination = 'reply')),
    message_id     UUID NOT NULL DEFAULT gen_random_uuid(),
    correlation_id TEXT,
    type           TEXT NOT NULL,
    headers        JSONB NOT NULL DEFAULT '{}',
    body           BYTEA NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    publish_after  TIMESTAMPTZ NOT NULL DEFAULT now(),
    claimed_by     UUID,
    claimed_until  TIMESTAMPTZ,
    failures       INT NOT NULL DEFAULT 0,
    last_error     TEXT,
    published_at   TIMESTAMPTZ
);
COMMENT ON COLUMN public.outbox.message_id IS 'Of the message, not of the row: a repeat and a reply carry the same';
COMMENT ON COLUMN public.outbox.publish_after IS 'Held until then: while the mirror is written, or after a failure';
COMMENT ON COLUMN public.outbox.claimed_until IS 'The relay of the worker claimed_by has the row until then, or until that worker is gone';

-- No foreign key to courses: a message that is owed outlives its course.
CREATE INDEX IF NOT EXISTS outbox_pending ON public.outbox (id) WHERE published_at IS NULL;
CREATE INDEX IF NOT EXISTS outbox_course ON public.outbox (course_id, destination, id);
-- Results stay with their course, to be repeated for a repeated request; the rest goes after OUTBOX_KEEP_DAYS.
CREATE INDEX IF NOT EXISTS outbox_prunable ON public.outbox (published_at)
    WHERE NOT (destination = 'status' AND type IN ('course.success', 'course.error') AND course_id IS NOT NULL);

-- Who else wants the result: requests that named a reply_to, the first one and its duplicates.
CREATE TABLE IF NOT EXISTS public.course_replies (
    course_id      UUID NOT NULL REFERENCES public.courses (id) ON DELETE CASCADE,
    reply_to       TEXT NOT NULL,
    correlation_id TEXT,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS course_replies_once
    ON public.course_replies (course_id, reply_to, coalesce(correlation_id, ''));

CREATE OR REPLACE FUNCTION public.error_is_retryable(code TEXT) RETURNS BOOLEAN
LANGUAGE sql IMMUTABLE
AS $$
    SELECT code IN ('model_unavailable', 'model_output_invalid', 'attempts_exhausted', 'internal')
$$;

-- The message for the status that `c` has now, as docs/contract/status.schema.json describes it.
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

-- Puts the message for the status of `c` into the outbox; a final one also for everyone who asked for a reply.
CREATE OR REPLACE FUNCTION public.put_status(c public.courses, hold INTERVAL DEFAULT '0') RETURNS VOID
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    message JSON := status_message(c);
    encoded BYTEA := convert_to(message::text, 'UTF8');
    kind TEXT := 'course.' || (message ->> 'status');
    sent_as UUID;
BEGIN
    INSERT INTO outbox (course_id, destination, correlation_id, type, body, publish_after)
    VALUES (c.id, 'status', c.request_id, kind, encoded, now() + hold)
    RETURNING message_id INTO sent_as;
    IF c.status IN ('READY', 'FAILED') THEN
        INSERT INTO outbox (course_id, destination, routing_key, message_id, correlation_id, type, body, publish_after)
        SELECT c.id, 'reply', reply_to, sent_as, correlation_id, kind, encoded, now() + hold
        FROM course_replies WHERE course_id = c.id;
    END IF;
END
$$;

-- Sends the stored result of a course that is READY or FAILED once more, with the message_id it had.
-- With `reply_to` that queue gets it too. FALSE: the course is open, its result is still to come.
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
