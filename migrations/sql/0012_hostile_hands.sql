-- 0012 hostile hands: functions look names up where callers can't create any, and those that write are not for
-- everybody. Both stand in migrations/functions. And nobody waits for a lock that others hold: courses get their turns
-- from the claim, and requests that meet a lock are set aside.

-- Until now every role could call these functions. Those that may write the queue, as workers that don't own the schema
-- do, keep that right.
DO $$
DECLARE
    worker NAME;
BEGIN
    FOR worker IN
        SELECT r.rolname FROM pg_roles r JOIN pg_class c ON c.oid = 'public.generation_queue'::regclass
        WHERE NOT r.rolsuper AND r.oid <> c.relowner AND r.rolname !~ '^pg_' AND has_table_privilege(r.oid, c.oid, 'UPDATE')
    LOOP
        EXECUTE format(
            'GRANT EXECUTE ON FUNCTION public.hold_lease(uuid, uuid), public.repeat_result(uuid, text, text),'
            ' public.put_status(public.courses, interval) TO %I', worker);
    END LOOP;
END
$$;

-- What a user may have is limited, if an operator wants that.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'courses_error_code'
                   AND conrelid = 'public.courses'::regclass AND pg_get_constraintdef(oid) LIKE '%limit_exceeded%') THEN
        ALTER TABLE public.courses DROP CONSTRAINT IF EXISTS courses_error_code;
        ALTER TABLE public.courses ADD CONSTRAINT courses_error_code CHECK (error_code IN (
            'invalid_request', 'request_id_conflict', 'no_sources', 'model_unavailable', 'model_refused',
            'model_output_invalid', 'budget_exceeded', 'attempts_exhausted', 'cancelled', 'limit_exceeded', 'internal'
        ));
    END IF;
END
$$;

-- A worker's row shows which process wrote it last: a copied one has the same id.
ALTER TABLE public.workers ADD COLUMN IF NOT EXISTS token UUID;
COMMENT ON COLUMN public.workers.token IS 'Another one with each beat, so that two processes with one id are told apart';

-- A course gets its turn from the claim.
ALTER TABLE public.generation_queue ALTER COLUMN fair_rank DROP NOT NULL;
COMMENT ON COLUMN public.generation_queue.fair_rank IS 'Turn within a priority: users take turns however much each has queued; NULL until a worker looks for courses';
CREATE INDEX IF NOT EXISTS generation_queue_new ON public.generation_queue (priority DESC, user_id, queued_at, course_id)
    WHERE fair_rank IS NULL;
-- What a user has asked for within a minute.
CREATE INDEX IF NOT EXISTS courses_user_created ON public.courses (user_id, created_at, id)
    WHERE error_code IS DISTINCT FROM 'limit_exceeded';

-- A worker reads what is queued as a whole, and its messages repeat some of it. Whoever may insert a course could stop
-- claiming with a text of 190 MB. Requests over the broker are shorter anyway.
DO $$
DECLARE
    longer TEXT;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'courses_sizes' AND conrelid = 'public.courses'::regclass) THEN
        SELECT string_agg(id::text, ', ') INTO longer FROM (
            SELECT id FROM public.courses
            WHERE greatest(octet_length(topic), octet_length(title), octet_length(grade_level), octet_length(source_filter),
                           octet_length(language), octet_length(request_id)) > 65536
            LIMIT 10
        ) c;
        IF longer IS NOT NULL THEN
            RAISE EXCEPTION 'courses have texts of more than 64 KiB: %', longer
                USING HINT = 'Shorten topic, title, grade_level, source_filter, language or request_id, or delete them.';
        END IF;
        ALTER TABLE public.courses ADD CONSTRAINT courses_sizes CHECK (
            greatest(octet_length(topic), octet_length(title), octet_length(grade_level), octet_length(source_filter),
                     octet_length(language), octet_length(request_id)) <= 65536);
    END IF;
END
$$;

-- A message that can't be published is given up, and holds up no other.
ALTER TABLE public.outbox ADD COLUMN IF NOT EXISTS dead_at TIMESTAMPTZ;
COMMENT ON COLUMN public.outbox.dead_at IS 'Given up then, as it can''t be published (last_error says why); NULL sends it after all';
DROP INDEX IF EXISTS public.outbox_pending;
-- Numbers, as PostgreSQL turns NOT (failures > 0) into failures <= 0, which is no longer this index's.
CREATE INDEX IF NOT EXISTS outbox_due
    ON public.outbox (((destination = 'reply')::int), (least(failures, 1)), publish_after, id)
    WHERE published_at IS NULL AND dead_at IS NULL;
CREATE INDEX IF NOT EXISTS outbox_dead ON public.outbox (dead_at) WHERE dead_at IS NOT NULL;

-- Requests of users whose rows somebody has locked. Their messages are acknowledged, so that they hold up no others.
CREATE TABLE IF NOT EXISTS public.requests_set_aside (
    id             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id        UUID NOT NULL,
    delivery_id    UUID NOT NULL,
    body           BYTEA NOT NULL,
    message_id     TEXT,
    correlation_id TEXT,
    reply_to       TEXT,
    priority       SMALLINT,
    redelivered    BOOLEAN NOT NULL,
    received_at    TIMESTAMPTZ NOT NULL DEFAULT now(),
    run_after      TIMESTAMPTZ NOT NULL
);
COMMENT ON COLUMN public.requests_set_aside.delivery_id IS 'The request_id of a request that has none';
COMMENT ON COLUMN public.requests_set_aside.body IS 'The message as it came, as are the columns after it';
CREATE INDEX IF NOT EXISTS requests_set_aside_user ON public.requests_set_aside (user_id, id);
