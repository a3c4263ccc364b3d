-- The whole schema of the course generator, for PostgreSQL 14 or later:
--
--     psql -d learningdb -f schema.sql
--
-- It runs again without harm, and upgrades a database that holds the original tables or an earlier revision of these,
-- rows in place. A database at a revision that this file doesn't know is left as it is.
-- Made from migrations/sql and migrations/functions by `make schema`; change the files there.

BEGIN;

-- Names are looked up where nobody but a superuser can make any.
SET LOCAL search_path = pg_catalog, pg_temp;

-- This comes before the rest, which a database of another encoding may not even be able to receive.
DO $$
BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'The database % has the encoding %; courses need UTF8',
            current_database(), current_setting('server_encoding')
            USING HINT = 'CREATE DATABASE learningdb ENCODING ''UTF8'' TEMPLATE template0';
    END IF;
END
$$;

DO $schema$
DECLARE
    stamp TEXT;
BEGIN
PERFORM pg_advisory_xact_lock(hashtextextended('course-generator schema', 0));
-- Whoever waits for a lock on a table keeps all others waiting who come later. Run the file again.
SET LOCAL lock_timeout = '5s';

EXECUTE $planted$
DO $$
DECLARE
    strange TEXT;
BEGIN
    SELECT string_agg(p.name || ' (of the role ' || p.owner || ')', ', ') INTO strange FROM (
SELECT found.name, o.rolname::text AS owner
FROM (
    SELECT 'relation ' || c.oid::regclass AS name, c.relname AS own, c.relowner AS owner, 'pg_class'::regclass AS catalog, c.oid
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'type ' || t.oid::regtype, t.typname, t.typowner, 'pg_type'::regclass, t.oid
    FROM pg_type t WHERE t.typnamespace = 'public'::regnamespace AND t.typrelid = 0
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure, p.proname, p.proowner, 'pg_proc'::regclass, p.oid
    FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
) found
JOIN pg_roles o ON o.oid = found.owner
JOIN pg_roles me ON me.rolname = current_user
WHERE found.own::text = ANY (CAST(ARRAY['alembic_version', 'course_events', 'course_events_course', 'course_quality', 'course_replies', 'course_replies_once', 'course_slug', 'course_status', 'course_usage', 'courses', 'courses_body_hash', 'courses_check_status', 'courses_follow_delete', 'courses_follow_status', 'courses_follow_truncate', 'courses_output_path', 'courses_set_slug', 'courses_status_created', 'courses_unmirrored', 'courses_user_created', 'courses_user_request', 'enqueue_course', 'error_is_retryable', 'generation_queue', 'generation_queue_leased', 'generation_queue_new', 'generation_queue_tried', 'generation_queue_turn', 'generation_queue_user', 'hold_lease', 'lesson_bodies', 'lesson_checks', 'lesson_citations', 'lesson_citations_document', 'lessons', 'model_calls', 'model_calls_course', 'model_stops', 'outbox', 'outbox_course', 'outbox_dead', 'outbox_due', 'outbox_order', 'outbox_pending', 'outbox_prunable', 'put_status', 'quality_count', 'quality_figure', 'repeat_result', 'requests_set_aside', 'requests_set_aside_user', 'schema_functions', 'source_documents', 'source_documents_configuration', 'source_embeddings', 'source_lexemes', 'source_passages', 'source_passages_count', 'source_passages_search', 'source_passages_truncated', 'source_prefixes', 'status_message', 'touch_updated_at', 'v_course_lessons', 'v_course_quality', 'v_course_summary', 'v_lessons_full', 'v_stale_courses', 'workers'] AS text[]))
  AND NOT o.rolsuper AND o.oid <> me.oid
  AND o.oid NOT IN (
      SELECT datdba FROM pg_database WHERE datname = current_database()
      UNION ALL
      SELECT nspowner FROM pg_namespace WHERE nspname = 'public')
  AND (me.rolsuper OR NOT (
      pg_has_role(o.oid, 'MEMBER')
      OR (FALSE AND o.oid = (SELECT relowner FROM pg_class WHERE oid = to_regclass('public.courses')))))
  AND NOT EXISTS (
      SELECT FROM pg_depend d WHERE d.classid = found.catalog AND d.objid = found.oid AND d.deptype = 'e')
ORDER BY 1
) p;
    IF strange IS NOT NULL THEN
        RAISE EXCEPTION 'the schema public holds things under names of this program that others made: %', strange
            USING HINT = 'Drop them, or if their owner is to be trusted, upgrade and work as that role, or give them to'
                         ' yours (ALTER … OWNER TO): DATABASE.md, "Rights".';
    END IF;
END
$$;
$planted$;

IF to_regclass('public.alembic_version') IS NOT NULL THEN
    SELECT version_num INTO stamp FROM public.alembic_version;
    IF stamp NOT IN ('0001', '0002', '0003', '0004', '0005', '0006', '0007', '0008', '0009', '0010', '0011', '0012', '0013', '0014') THEN
        RAISE WARNING 'the database is at revision %, which this file (0014) doesn''t know; nothing was changed',
            stamp USING HINT = 'Use the schema.sql of the newest program that works with this database.';
        RETURN;
    END IF;
END IF;

EXECUTE $shadows$
-- Refuses to go on if `public` holds something that could be taken for a thing of PostgreSQL's own. Revisions up to 0010
-- look names up in `public` too, with the rights of whoever upgrades. There a function or operator that fits the types
-- of a call better than the built-in one would be called instead of it.
DO $$
DECLARE
    shadows TEXT;
BEGIN
    SELECT string_agg(found.name, ', ' ORDER BY found.name) INTO shadows
    FROM (
        SELECT 'function ' || p.oid::regprocedure AS name, 'pg_proc'::regclass AS catalog, p.oid
        FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND EXISTS (
            SELECT FROM pg_proc own WHERE own.proname = p.proname AND own.pronamespace = 'pg_catalog'::regnamespace)
        UNION ALL
        SELECT 'operator ' || o.oid::regoperator, 'pg_operator'::regclass, o.oid
        FROM pg_operator o
        WHERE o.oprnamespace = 'public'::regnamespace AND EXISTS (
            SELECT FROM pg_operator own WHERE own.oprname = o.oprname AND own.oprnamespace = 'pg_catalog'::regnamespace)
        UNION ALL
        -- Not a name of pg_catalog, but one that 0009 takes for pgvector's.
        SELECT 'type ' || t.oid::regtype, 'pg_type'::regclass, t.oid
        FROM pg_type t
        WHERE t.typnamespace = 'public'::regnamespace AND t.typname = 'vector'
    ) AS found
    WHERE NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = found.catalog AND d.objid = found.oid AND d.deptype = 'e');
    IF shadows IS NOT NULL THEN
        RAISE EXCEPTION 'the schema public holds what could be called in place of PostgreSQL''s own: %', shadows
            USING HINT = 'Look who made it (\df+, \do+), rename or drop it, then upgrade again: DATABASE.md, "Rights".';
    END IF;
END
$$;
$shadows$;

-- The functions of a revision may name what a later revision has taken away.
SET LOCAL check_function_bodies = off;

EXECUTE $revision$
-- 0001 original: the tables and views of the original service, made where they are absent.
-- In a database that has them already this file changes nothing.

DO $$
BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'The database % has the encoding %; courses need UTF8',
            current_database(), current_setting('server_encoding')
            USING HINT = 'CREATE DATABASE learningdb ENCODING ''UTF8'' TEMPLATE template0';
    END IF;
    IF to_regtype('public.course_status') IS NULL THEN
        CREATE TYPE public.course_status AS ENUM (
            'QUEUED',      -- waits for a worker
            'GENERATING',  -- a worker, or the program that inserted it, is writing it
            'READY',       -- complete; never changes again
            'FAILED'       -- ended without a course; error_code and error_message say why
        );
    END IF;
END
$$;

CREATE TABLE IF NOT EXISTS public.courses (
    id            UUID PRIMARY KEY,
    user_id       UUID NOT NULL,
    slug          TEXT GENERATED ALWAYS AS (regexp_replace(lower(title), '[^a-z0-9]+', '-', 'g')) STORED,
    title         TEXT NOT NULL,
    topic         TEXT NOT NULL,
    grade_level   TEXT NOT NULL,
    source_filter TEXT,
    total_lessons INT NOT NULL DEFAULT 0,
    outline_json  JSONB,
    status        public.course_status NOT NULL DEFAULT 'QUEUED',
    error_message TEXT,
    generated_at  TIMESTAMPTZ,
    created_at    TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at    TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS public.lessons (
    id                  UUID PRIMARY KEY,
    course_id           UUID NOT NULL REFERENCES public.courses (id) ON DELETE CASCADE,
    lesson_number       INT NOT NULL,
    title               TEXT NOT NULL,
    description         TEXT,
    key_concepts        TEXT[],
    learning_objectives TEXT[],
    sources             TEXT[],
    generated_at        TIMESTAMPTZ,
    created_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (course_id, lesson_number)
);

CREATE TABLE IF NOT EXISTS public.lesson_bodies (
    lesson_id    UUID PRIMARY KEY REFERENCES public.lessons (id) ON DELETE CASCADE,
    content_md   TEXT,
    content_json JSONB,
    updated_at   TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS public.lesson_checks (
    id         UUID PRIMARY KEY,
    lesson_id  UUID NOT NULL REFERENCES public.lessons (id) ON DELETE CASCADE,
    q_order    INT NOT NULL,
    question   TEXT NOT NULL,
    answer     TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (lesson_id, q_order)
);

-- Guarded, not CREATE OR REPLACE: a later revision may have added columns, which a replacement can't take away.
DO $$
BEGIN
    IF to_regclass('public.v_course_summary') IS NULL THEN
        CREATE VIEW public.v_course_summary AS
        SELECT id, slug, title, topic, grade_level, total_lessons, status, generated_at, created_at, updated_at
        FROM public.courses;
    END IF;
    IF to_regclass('public.v_course_lessons') IS NULL THEN
        CREATE VIEW public.v_course_lessons AS
        SELECT course_id, lesson_number, title
        FROM public.lessons;
    END IF;
    IF to_regclass('public.v_lessons_full') IS NULL THEN
        CREATE VIEW public.v_lessons_full AS
        SELECT l.id, l.course_id, l.lesson_number, l.title, l.description, l.key_concepts, l.learning_objectives,
               l.sources, b.content_md, b.content_json, l.generated_at, l.created_at, l.updated_at
        FROM public.lessons l
        LEFT JOIN public.lesson_bodies b ON b.lesson_id = l.id;
    END IF;
END
$$;
$revision$;

EXECUTE $revision$
-- 0002 courses: what the worker keeps with a course beyond the original columns; slugs for every script.

-- Programs that write with plain SQL need not bring ids or times.
ALTER TABLE public.courses ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER TABLE public.courses ALTER COLUMN created_at SET DEFAULT now();
ALTER TABLE public.courses ALTER COLUMN updated_at SET DEFAULT now();
ALTER TABLE public.lessons ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER TABLE public.lessons ALTER COLUMN created_at SET DEFAULT now();
ALTER TABLE public.lessons ALTER COLUMN updated_at SET DEFAULT now();
ALTER TABLE public.lesson_bodies ALTER COLUMN updated_at SET DEFAULT now();
ALTER TABLE public.lesson_checks ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER TABLE public.lesson_checks ALTER COLUMN created_at SET DEFAULT now();

ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS request_id TEXT;
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS request JSONB;
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS request_hash TEXT;
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS body_hash TEXT;
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS language TEXT NOT NULL DEFAULT 'en';
-- It goes out in the error message, so it is one that consumers know.
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS error_code TEXT CONSTRAINT courses_error_code CHECK (error_code IN (
    'invalid_request', 'request_id_conflict', 'no_sources', 'model_unavailable', 'model_refused',
    'model_output_invalid', 'budget_exceeded', 'attempts_exhausted', 'cancelled', 'internal'
));
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS attempts INT NOT NULL DEFAULT 0;
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS sources TEXT[];
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS output_path TEXT;
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS mirrored_at TIMESTAMPTZ;
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS usage JSONB;
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS quality JSONB;

COMMENT ON COLUMN public.courses.request_hash IS 'SHA-256 of what was asked for: a second request with the same request_id must agree in it';
COMMENT ON COLUMN public.courses.body_hash IS 'SHA-256 of the message body, only where the request had no id of its own';
COMMENT ON COLUMN public.courses.output_path IS 'Folder that the course is mirrored to; NULL where FILES=off';
COMMENT ON COLUMN public.courses.mirrored_at IS 'When the files in output_path were last written';

-- The key of idempotency. Rows without a request_id (plain INSERTs, imports) are not compared.
CREATE UNIQUE INDEX IF NOT EXISTS courses_user_request ON public.courses (user_id, request_id);
CREATE INDEX IF NOT EXISTS courses_body_hash ON public.courses (body_hash) WHERE body_hash IS NOT NULL;
-- Two courses never share a folder.
CREATE UNIQUE INDEX IF NOT EXISTS courses_output_path ON public.courses (output_path) WHERE output_path IS NOT NULL;
-- What the mirror still owes: empty nearly always.
CREATE INDEX IF NOT EXISTS courses_unmirrored ON public.courses (generated_at)
    WHERE status = 'READY' AND output_path IS NOT NULL AND mirrored_at IS NULL;
CREATE INDEX IF NOT EXISTS courses_status_created ON public.courses (status, created_at);

-- Lesson texts are long and read often: LZ4 unpacks several times faster than pglz. Not every build has it.
DO $$
BEGIN
    ALTER TABLE public.lesson_bodies ALTER COLUMN content_md SET COMPRESSION lz4;
    ALTER TABLE public.lesson_bodies ALTER COLUMN content_json SET COMPRESSION lz4;
EXCEPTION
    WHEN feature_not_supported OR invalid_parameter_value THEN
        RAISE NOTICE 'This server was built without LZ4; lesson bodies use its default compression';
END
$$;

-- A list of what separates words, not a class of what belongs to them: [[:alnum:]] splits Devanagari at its vowel
-- signs, and under C collation drops it whole. Joiners (U+200C, U+200D) stand inside words and are taken out.
CREATE OR REPLACE FUNCTION public.course_slug(title TEXT, id UUID) RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(
        nullif(
            rtrim(left(
                trim(BOTH '-' FROM
                    regexp_replace(
                        regexp_replace(lower(title), '[\u200C\u200D\uFE00-\uFE0F]', '', 'g'),
                        '[\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00A9\u00AB-\u00B4\u00B6-\u00B9\u00BB-\u00BF'
                        '\u00D7\u00F7\u055A-\u055F\u0589\u058A\u05BE\u05C0\u05C3\u060C\u061B\u061E\u061F\u066A-\u066D'
                        '\u06D4\u0964\u0965\u0970\u0E4F\u0E5A\u0E5B\u1680\u2000-\u206F\u20A0-\u20CF\u2190-\u2BFF'
                        '\u2E00-\u2E7F\u3000-\u3004\u3008-\u3020\u3030\u303D\u30A0\u30FB\uE000-\uF8FF\uFE10-\uFE6F'
                        '\uFF00-\uFF0F\uFF1A-\uFF20\uFF3B-\uFF40\uFF5B-\uFF65\uFFE0-\uFFFF'
                        '\U0001F000-\U0001FAFF\U000E0000-\U0010FFFF]+',
                        '-', 'g'
                    )
                ),
                120
            ), '-'),
            ''
        ),
        'course-' || left(id::text, 8)
    )
$$;

-- Plain columns can be given by an import; a column that is generated can't. The values stay as they are.
ALTER TABLE public.courses ALTER COLUMN slug DROP EXPRESSION IF EXISTS;

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

CREATE OR REPLACE TRIGGER courses_slug BEFORE INSERT OR UPDATE OF title, slug ON public.courses
    FOR EACH ROW EXECUTE FUNCTION public.courses_set_slug();

CREATE OR REPLACE FUNCTION public.touch_updated_at() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

-- Writing the mirror doesn't change the course.
CREATE OR REPLACE TRIGGER courses_touch BEFORE UPDATE ON public.courses
    FOR EACH ROW WHEN (NEW.mirrored_at IS NOT DISTINCT FROM OLD.mirrored_at)
    EXECUTE FUNCTION public.touch_updated_at();
CREATE OR REPLACE TRIGGER lessons_touch BEFORE UPDATE ON public.lessons
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
CREATE OR REPLACE TRIGGER lesson_bodies_touch BEFORE UPDATE ON public.lesson_bodies
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
$revision$;

EXECUTE $revision$
-- 0003 queue: open courses, the processes that work on them, and the record of what happened.

-- One row per open course and nothing else, so that the claim stays fast however many courses there are.
CREATE TABLE IF NOT EXISTS public.generation_queue (
    course_id     UUID PRIMARY KEY REFERENCES public.courses (id) ON DELETE CASCADE,
    user_id       UUID NOT NULL,
    priority      SMALLINT NOT NULL DEFAULT 4 CHECK (priority BETWEEN 0 AND 9),
    fair_rank     BIGINT NOT NULL,
    queued_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    run_after     TIMESTAMPTZ NOT NULL DEFAULT now(),
    attempt       INT NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    postponements INT NOT NULL DEFAULT 0,
    postponed_since TIMESTAMPTZ,
    lease_id      UUID,
    lease_owner   UUID,
    leased_at     TIMESTAMPTZ,
    CONSTRAINT generation_queue_lease CHECK (
        (lease_id IS NULL) = (lease_owner IS NULL) AND (lease_id IS NULL) = (leased_at IS NULL)
    )
);
COMMENT ON COLUMN public.generation_queue.fair_rank IS 'Turn within a priority: users take turns however much each has queued';
COMMENT ON COLUMN public.generation_queue.lease_id IS 'The fence: new with each claim; who does not hold it may not write';
COMMENT ON COLUMN public.generation_queue.postponements IS 'How often in a row the course went back because the model was away';
COMMENT ON COLUMN public.generation_queue.postponed_since IS 'When that began; NULL: the model was not away';

-- In the order of the claim, of what can be claimed: a claim reads from its front, however long the backlog is.
CREATE INDEX IF NOT EXISTS generation_queue_turn ON public.generation_queue (priority DESC, fair_rank, course_id)
    WHERE lease_id IS NULL;
CREATE INDEX IF NOT EXISTS generation_queue_user ON public.generation_queue (user_id, priority, fair_rank);
CREATE INDEX IF NOT EXISTS generation_queue_tried ON public.generation_queue (attempt) WHERE lease_id IS NULL AND attempt > 0;
CREATE INDEX IF NOT EXISTS generation_queue_leased ON public.generation_queue (lease_owner) WHERE lease_id IS NOT NULL;

-- One row per live process. The heartbeat is here and touches no index, so a beat is a cheap in-place (HOT) update.
CREATE TABLE IF NOT EXISTS public.workers (
    id             UUID PRIMARY KEY,
    host           TEXT NOT NULL,
    pid            INT NOT NULL,
    version        TEXT NOT NULL,
    slots          INT NOT NULL,
    lease          INTERVAL NOT NULL,
    started_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    last_seen_at   TIMESTAMPTZ NOT NULL DEFAULT now(),
    unbroken_since TIMESTAMPTZ NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
COMMENT ON COLUMN public.workers.lease IS 'How long this process may go unseen before its courses are taken from it';
COMMENT ON COLUMN public.workers.unbroken_since IS 'Since when no beat was late by a whole lease: who was cut off itself may not judge others';

CREATE TABLE IF NOT EXISTS public.course_events (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    course_id   UUID NOT NULL REFERENCES public.courses (id) ON DELETE CASCADE,
    at          TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    from_status public.course_status,
    to_status   public.course_status NOT NULL,
    attempt     INT NOT NULL,
    worker      UUID,
    actor       TEXT NOT NULL DEFAULT session_user,
    reason      TEXT
);
COMMENT ON COLUMN public.course_events.worker IS 'The process that held the course, if one did';
COMMENT ON COLUMN public.course_events.actor IS 'The database role that made the change';
CREATE INDEX IF NOT EXISTS course_events_course ON public.course_events (course_id, id);

CREATE TABLE IF NOT EXISTS public.model_calls (
    id            UUID PRIMARY KEY,
    course_id     UUID NOT NULL REFERENCES public.courses (id) ON DELETE CASCADE,
    attempt       INT NOT NULL,
    purpose       TEXT NOT NULL CHECK (purpose IN ('outline', 'lesson')),
    lesson_number INT,
    model         TEXT NOT NULL,
    input_tokens  INT NOT NULL DEFAULT 0,
    cached_tokens INT NOT NULL DEFAULT 0,
    output_tokens INT NOT NULL DEFAULT 0,
    cost          NUMERIC(12, 6),
    seconds       DOUBLE PRECISION NOT NULL,
    outcome       TEXT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN public.model_calls.cost IS 'US dollars by OPENAI_PRICE_INPUT and OPENAI_PRICE_OUTPUT; NULL where they are not set';
COMMENT ON COLUMN public.model_calls.outcome IS 'ok, or what was wrong with the answer';
CREATE INDEX IF NOT EXISTS model_calls_course ON public.model_calls (course_id);

CREATE OR REPLACE FUNCTION public.course_usage(course UUID) RETURNS JSONB
LANGUAGE sql STABLE
SET search_path = public, pg_temp
AS $$
    SELECT jsonb_build_object(
        'calls', count(*),
        'input_tokens', coalesce(sum(input_tokens), 0),
        'cached_tokens', coalesce(sum(cached_tokens), 0),
        'output_tokens', coalesce(sum(output_tokens), 0),
        'cost', sum(cost)
    )
    FROM model_calls
    WHERE course_id = course
$$;

-- Puts a course in line. Start-time fair queueing: a user's next course comes after the user's last one, and not
-- before the turn that is being served now, so 500 courses of one user don't keep another's first one waiting.
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
$revision$;

EXECUTE $revision$
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
$revision$;

EXECUTE $revision$
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
$revision$;

EXECUTE $revision$
-- 0006 success ids: the message_id of a success follows from the course. A course that was written with files only,
-- while the database was away, then has the same one as from here: who has seen it drops the other.

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
$revision$;

EXECUTE $revision$
-- 0007 budget tokens: what a call counts against its course's budget, also where the server counts no tokens.

ALTER TABLE public.model_calls ADD COLUMN IF NOT EXISTS budget_tokens INT NOT NULL DEFAULT 0;
COMMENT ON COLUMN public.model_calls.budget_tokens IS 'What the call counts against MAX_COURSE_TOKENS: its tokens, or an estimate where the server counts none';
$revision$;

EXECUTE $revision$
-- 0008 longest gap: how well a worker has seen others beat. Who was cut off for a while, if shorter than its own lease,
-- must not take for dead who was cut off with it.

ALTER TABLE public.workers ADD COLUMN IF NOT EXISTS longest_gap INTERVAL NOT NULL DEFAULT '0';
COMMENT ON COLUMN public.workers.longest_gap IS 'The longest time between two of its beats since unbroken_since';
$revision$;

EXECUTE $revision$
-- 0009 source library: documents that lessons are written from, and how passages of them are found.

COMMENT ON COLUMN public.generation_queue.postponements IS 'How often in a row the course went back because the model or the sources were away';
COMMENT ON COLUMN public.generation_queue.postponed_since IS 'When that began; NULL: neither was away';

-- What a course searches for is embedded by a model too.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'model_calls_purpose') THEN
        ALTER TABLE public.model_calls DROP CONSTRAINT IF EXISTS model_calls_purpose_check,
            ADD CONSTRAINT model_calls_purpose CHECK (purpose IN ('outline', 'lesson', 'search'));
    END IF;
END
$$;
COMMENT ON COLUMN public.model_calls.purpose IS 'outline, lesson, or search: a query that was embedded';
COMMENT ON COLUMN public.model_calls.cost IS 'US dollars by OPENAI_PRICE_INPUT and OPENAI_PRICE_OUTPUT, of a search by OPENAI_PRICE_EMBEDDING; NULL where they are not set';

-- The cost of some calls alone would look too small: there is one where each call that took tokens has one.
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

CREATE TABLE IF NOT EXISTS public.source_documents (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- In byte order, so that all documents under a prefix stand side by side in the index.
    path          TEXT COLLATE "C" NOT NULL UNIQUE CHECK (path <> '' AND path !~ '^/|/$|//'),
    title         TEXT NOT NULL,
    language      TEXT NOT NULL,
    configuration TEXT NOT NULL,
    sha256        TEXT NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    characters    INT NOT NULL,
    added_at      TIMESTAMPTZ NOT NULL DEFAULT now(),
    changed_at    TIMESTAMPTZ NOT NULL DEFAULT now()
);
COMMENT ON COLUMN public.source_documents.path IS 'What source_filter looks at, by whole segments';
COMMENT ON COLUMN public.source_documents.language IS 'BCP 47; und where it was not recognised';
COMMENT ON COLUMN public.source_documents.configuration IS 'The text search configuration of pg_catalog for that language; simple where there is none';
COMMENT ON COLUMN public.source_documents.sha256 IS 'Of the text, as UTF-8: the version that its passages belong to';
CREATE INDEX IF NOT EXISTS source_documents_configuration ON public.source_documents (configuration);

CREATE TABLE IF NOT EXISTS public.source_passages (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document_id  BIGINT NOT NULL REFERENCES public.source_documents (id) ON DELETE CASCADE,
    position     INT NOT NULL,
    section      TEXT NOT NULL,
    start_offset INT NOT NULL,
    end_offset   INT NOT NULL,
    text         TEXT NOT NULL,
    prefixes     TEXT[] NOT NULL,
    words        TSVECTOR NOT NULL,
    UNIQUE (document_id, position)
);
COMMENT ON COLUMN public.source_passages.section IS 'The heading that it stands under';
COMMENT ON COLUMN public.source_passages.start_offset IS 'Of text in the document''s text, in characters; end_offset is the one after its last';
COMMENT ON COLUMN public.source_passages.prefixes IS 'The document''s path and every prefix of it by whole segments';
COMMENT ON COLUMN public.source_passages.words IS 'Weight A: the heading, B: the document''s title, D: the text';
-- Every candidate's words are read to rank it, the text only of those that are returned.
ALTER TABLE public.source_passages ALTER COLUMN words SET STORAGE MAIN;

-- Prefix and words in one index, so that neither is looked through for the other. Without a list of pending entries: a
-- search after a long import would have to read it.
CREATE INDEX IF NOT EXISTS source_passages_search ON public.source_passages USING gin (prefixes, words)
    WITH (fastupdate = off);

-- How common words and prefixes are: what makes a word of a query weigh much or little, and how many passages a search
-- has to expect. Kept by triggers, so that they are right whoever deletes a document.
CREATE TABLE IF NOT EXISTS public.source_lexemes (
    lexeme   TEXT COLLATE "C" PRIMARY KEY,
    passages INT NOT NULL
) WITH (fillfactor = 70);
CREATE TABLE IF NOT EXISTS public.source_prefixes (
    prefix   TEXT COLLATE "C" PRIMARY KEY,
    passages INT NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE public.source_lexemes IS 'In how many passages a word stands';
COMMENT ON TABLE public.source_prefixes IS 'How many passages there are under a prefix; under the empty one all';

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

CREATE OR REPLACE TRIGGER source_passages_added AFTER INSERT ON public.source_passages
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.source_passages_count();
CREATE OR REPLACE TRIGGER source_passages_removed AFTER DELETE ON public.source_passages
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.source_passages_count();

-- Embeddings, where the server has pgvector and this role may create it. Where it comes later, this file runs again.
DO $$
BEGIN
    IF to_regtype('public.vector') IS NULL THEN
        IF NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') THEN
            RAISE NOTICE 'the extension vector (pgvector) is not installed: sources are found by words only';
            RETURN;
        END IF;
        BEGIN
            CREATE EXTENSION vector SCHEMA public;
        EXCEPTION
            WHEN insufficient_privilege THEN
                RAISE NOTICE 'this role may not create the extension vector: sources are found by words only';
                RETURN;
            WHEN duplicate_object THEN
                RAISE NOTICE 'the extension vector is not in the schema public: sources are found by words only';
                RETURN;
        END;
    END IF;
    CREATE TABLE IF NOT EXISTS public.source_embeddings (
        passage_id BIGINT PRIMARY KEY REFERENCES public.source_passages (id) ON DELETE CASCADE,
        model      TEXT NOT NULL,
        embedding  public.vector NOT NULL
    );
    COMMENT ON TABLE public.source_embeddings IS 'Made by `sources add` with OPENAI_EMBEDDING_MODEL, which also makes an index for each model';
END
$$;
$revision$;

EXECUTE $revision$
-- 0010 quality: what was measured of each lesson and course, citations that were verified, and checks with their keys.

ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS outline_findings JSONB NOT NULL DEFAULT '[]';
COMMENT ON COLUMN public.courses.outline_findings IS 'What the gates found in the outline and a repair did not mend';
COMMENT ON COLUMN public.courses.quality IS 'Figures of the finished course, made by course_quality()';

-- NULL: the lesson was not written by this worker, or before it measured.
ALTER TABLE public.lessons ADD COLUMN IF NOT EXISTS quality JSONB;
ALTER TABLE public.lessons ADD COLUMN IF NOT EXISTS written_by TEXT;
ALTER TABLE public.lessons ADD COLUMN IF NOT EXISTS prompt_version INT;
ALTER TABLE public.lessons ADD COLUMN IF NOT EXISTS prompt_digest TEXT;
COMMENT ON COLUMN public.lessons.quality IS 'Figures and findings of the lesson';
COMMENT ON COLUMN public.lessons.written_by IS 'The model''s own name for itself';
COMMENT ON COLUMN public.lessons.prompt_version IS 'Of src/services/prompts/lesson.md';
COMMENT ON COLUMN public.lessons.prompt_digest IS 'SHA-256 (hex) of that prompt''s text';

ALTER TABLE public.lesson_checks ADD COLUMN IF NOT EXISTS kind TEXT CONSTRAINT lesson_checks_kind
    CHECK (kind IN ('multiple_choice', 'true_false', 'short_answer'));
ALTER TABLE public.lesson_checks ADD COLUMN IF NOT EXISTS choices TEXT[];
ALTER TABLE public.lesson_checks ADD COLUMN IF NOT EXISTS key INT;
ALTER TABLE public.lesson_checks ADD COLUMN IF NOT EXISTS explanation TEXT;
ALTER TABLE public.lesson_checks ADD COLUMN IF NOT EXISTS evidence TEXT;
ALTER TABLE public.lesson_checks ADD COLUMN IF NOT EXISTS objective INT;
ALTER TABLE public.lesson_checks ADD COLUMN IF NOT EXISTS citation INT;
COMMENT ON COLUMN public.lesson_checks.key IS 'Which of the choices is right: choices[key] = answer; NULL for a short answer';
COMMENT ON COLUMN public.lesson_checks.evidence IS 'The sentence of the lesson that shows that the answer is right';
COMMENT ON COLUMN public.lesson_checks.objective IS 'Which of the lesson''s learning_objectives it tests, counted from 1';
COMMENT ON COLUMN public.lesson_checks.citation IS 'lesson_citations.number of the citation that the answer rests on';

-- The database guards the answer key, whoever writes it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'lesson_checks_answer_key') THEN
        ALTER TABLE public.lesson_checks ADD CONSTRAINT lesson_checks_answer_key
            CHECK (key IS NULL OR (choices[key] IS NOT NULL AND choices[key] IS NOT DISTINCT FROM answer));
    END IF;
END
$$;

CREATE TABLE IF NOT EXISTS public.lesson_citations (
    lesson_id        UUID NOT NULL REFERENCES public.lessons (id) ON DELETE CASCADE,
    number           INT NOT NULL CHECK (number >= 1),
    document         TEXT NOT NULL,
    section          TEXT NOT NULL,
    start_offset     INT NOT NULL,
    end_offset       INT NOT NULL CHECK (end_offset > start_offset),
    quote            TEXT NOT NULL,
    score            REAL NOT NULL,
    document_version TEXT,
    PRIMARY KEY (lesson_id, number)
);
COMMENT ON COLUMN public.lesson_citations.number IS 'As the lesson''s text shows it: [1]';
COMMENT ON COLUMN public.lesson_citations.start_offset IS 'Where the quote begins in the document''s text, in characters';
COMMENT ON COLUMN public.lesson_citations.score IS '100: word for word; from 90: nearly, with the same numbers';
COMMENT ON COLUMN public.lesson_citations.document_version IS 'source_documents.sha256 when it was verified; NULL where the library knows none';
CREATE INDEX IF NOT EXISTS lesson_citations_document ON public.lesson_citations (document);

-- A figure of a `quality`, which other programs may write too; NULL where it is none, so that one row breaks no view.
CREATE OR REPLACE FUNCTION public.quality_figure(quality JSONB, name TEXT) RETURNS NUMERIC
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN pg_catalog.jsonb_typeof(quality -> name) = 'number' THEN (quality ->> name)::numeric END
$$;

-- The same as a whole number.
CREATE OR REPLACE FUNCTION public.quality_count(quality JSONB, name TEXT) RETURNS INT
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN public.quality_figure(quality, name) BETWEEN -2147483648 AND 2147483647
                THEN public.quality_figure(quality, name)::int END
$$;

-- The figures of a course from its lessons. The worker makes the same for courses that it writes with files only
-- (src/domain/quality/record.py).
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

CREATE OR REPLACE VIEW public.v_course_quality AS
SELECT c.id AS course_id, c.slug, c.title, c.grade_level, c.language, c.generated_at,
       public.quality_count(c.quality, 'lessons_with_sources') AS lessons_with_sources,
       public.quality_count(c.quality, 'lessons_without_sources') AS lessons_without_sources,
       public.quality_count(c.quality, 'citations') AS citations,
       public.quality_count(c.quality, 'citations_removed') AS citations_removed,
       public.quality_figure(c.quality, 'citation_precision') AS citation_precision,
       public.quality_figure(c.quality, 'citation_coverage') AS citation_coverage,
       public.quality_figure(c.quality, 'reading_grade') AS reading_grade,
       public.quality_figure(c.quality, 'hardest_reading_grade') AS hardest_reading_grade,
       public.quality_count(c.quality, 'checks') AS checks,
       public.quality_count(c.quality, 'valid_keys') AS valid_keys,
       public.quality_count(c.quality, 'hard_findings') AS hard_findings,
       public.quality_count(c.quality, 'soft_findings') AS soft_findings
FROM public.courses c
WHERE c.status = 'READY';

-- Courses that cite a document which has changed since, or is gone from the library: a row for each document and reason.
-- Texts are compared without spaces: where a document is divided into passages, none of these has the one between them.
CREATE OR REPLACE VIEW public.v_stale_courses AS
SELECT s.course_id, s.slug, s.title, s.generated_at, s.document, r.lessons, r.reason, s.changed_at
FROM (
    SELECT c.id AS course_id, c.slug, c.title, c.generated_at, k.document, d.id AS document_id, d.changed_at,
           array_agg(l.lesson_number) AS numbers, array_agg(k.quote) AS quotes
    FROM public.lesson_citations k
    JOIN public.lessons l ON l.id = k.lesson_id
    JOIN public.courses c ON c.id = l.course_id
    LEFT JOIN public.source_documents d ON d.path = k.document
    WHERE c.status = 'READY' AND k.document_version IS NOT NULL AND k.document_version IS DISTINCT FROM d.sha256
    GROUP BY c.id, k.document, d.id
) s
CROSS JOIN LATERAL (
    SELECT translate(string_agg(p.text, '' ORDER BY p.position), E' \n\t\u00A0\u3000', '') AS text
    FROM public.source_passages p WHERE p.document_id = s.document_id
) d
CROSS JOIN LATERAL (
    SELECT q.reason, array_agg(DISTINCT q.number ORDER BY q.number) AS lessons
    FROM (
        SELECT c.number,
               CASE WHEN s.document_id IS NULL THEN 'removed'
                    WHEN position(translate(c.quote, E' \n\t\u00A0\u3000', '') IN d.text) > 0 THEN 'changed'
                    ELSE 'quote gone' END AS reason
        FROM unnest(s.numbers, s.quotes) AS c (number, quote)
    ) q
    GROUP BY q.reason
) r;
COMMENT ON COLUMN public.v_stale_courses.reason IS 'removed: the document is not there; quote gone: it no longer says what these lessons quote; changed: it still does';
$revision$;

EXECUTE $revision$
-- 0011 functions: functions and triggers have one current definition each from here on, in migrations/functions, which is
-- applied on arrival at the newest revision. What earlier revisions made of them stays until then. And events in the outbox.

-- Events: what a slice beside the worker has to tell. They go to the exchange with a routing key of their own, in order for
-- each order_key.
ALTER TABLE public.outbox ADD COLUMN IF NOT EXISTS order_key TEXT
    CONSTRAINT outbox_order_key CHECK ((order_key IS NOT NULL) = (destination = 'event'));
COMMENT ON COLUMN public.outbox.order_key IS 'Events with the same one are published in the order of their ids; NULL for other messages';

DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_constraint WHERE conname = 'outbox_destination' AND conrelid = 'public.outbox'::regclass
    ) THEN
        ALTER TABLE public.outbox DROP CONSTRAINT IF EXISTS outbox_destination_check,
            DROP CONSTRAINT IF EXISTS outbox_check,
            ADD CONSTRAINT outbox_destination CHECK (destination IN (
                'status',  -- the exchange, with the status routing key
                'reply',   -- the queue that the requester named in reply_to
                'dead',    -- the queue of rejected requests
                'event'    -- the exchange, with the event's own routing key
            )),
            ADD CONSTRAINT outbox_routing_key CHECK ((routing_key IS NOT NULL) = (destination IN ('reply', 'event')));
    END IF;
END
$$;

-- Which event of an order_key is the first one.
CREATE INDEX IF NOT EXISTS outbox_order ON public.outbox (order_key, id) WHERE published_at IS NULL AND order_key IS NOT NULL;

CREATE TABLE IF NOT EXISTS public.schema_functions (
    name   TEXT PRIMARY KEY,
    digest TEXT NOT NULL
);
COMMENT ON TABLE public.schema_functions IS 'Which text of migrations/functions is in force: a file is applied where its digest differs';
COMMENT ON COLUMN public.schema_functions.digest IS 'SHA-256 (hex) of the file';
$revision$;

EXECUTE $revision$
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
$revision$;

EXECUTE $revision$
-- Why no course is claimed, for all workers with the same settings for the model. One row as long as the reason holds;
-- `DELETE FROM model_stops` has claiming go on at once.
CREATE TABLE IF NOT EXISTS public.model_stops (
    server TEXT PRIMARY KEY,               -- address and models, with a digest that all settings of the model go into
    kind TEXT NOT NULL CHECK (kind IN ('setting', 'unknown')),
    reason TEXT NOT NULL,                  -- the server's own words, and the setting to change
    purpose TEXT NOT NULL,                 -- what the call was for that met it: outline, lesson, search
    since TIMESTAMPTZ NOT NULL DEFAULT now(),
    course_id UUID,                        -- the course that met it first, and whose it is
    user_id UUID,
    next_trial_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    trials INTEGER NOT NULL DEFAULT 0,
    trial_course_id UUID                   -- the course that was let through last, to see whether it still holds
);
COMMENT ON COLUMN public.model_stops.kind IS
    'setting: an operator has to act. unknown: the server refuses for a reason that no rule knows.';

-- A course that has met such an error of the server `refused_by`: 'open' until a trial decides, 'own' if another course
-- was answered then.
ALTER TABLE public.generation_queue
    ADD COLUMN IF NOT EXISTS refusal TEXT CHECK (refusal IN ('open', 'own')),
    ADD COLUMN IF NOT EXISTS refused_by TEXT;
COMMENT ON COLUMN public.generation_queue.refusal IS
    'open: the model''s server refuses everything, as this course has found. own: and another course was answered since.';
$revision$;

EXECUTE $revision$
-- What the repairs of answers take: `quality` of a course has `tokens` and `repair_tokens` from here on.
ALTER TABLE public.model_calls ADD COLUMN IF NOT EXISTS repair BOOLEAN NOT NULL DEFAULT false;
COMMENT ON COLUMN public.model_calls.repair IS 'Whether an answer was sent back with the call, to be put right';
$revision$;

EXECUTE $function$
-- Computes the quality figures of a course from its lessons and model calls. The worker computes the same for courses
-- that it writes with files only; a test compares the two.
CREATE OR REPLACE FUNCTION public.course_quality(course UUID) RETURNS JSONB
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
        'lessons_with_sources', count(*) FILTER (WHERE cardinality(l.sources) > 0),
        'lessons_without_sources', count(*) FILTER (WHERE coalesce(cardinality(l.sources), 0) = 0),
        'citations', coalesce(sum(public.quality_count(l.quality, 'citations'::text)), 0),
        'citations_removed', coalesce(sum(public.quality_count(l.quality, 'citations_removed'::text)), 0),
        'citation_precision', trim_scale(round(sum(public.quality_figure(l.quality, 'citations_verified'::text))
                                               / nullif(sum(public.quality_figure(l.quality, 'citations'::text)), 0), 3)),
        'citation_coverage', trim_scale(round(sum(public.quality_figure(l.quality, 'cited_sentences'::text))
                                              / nullif(sum(public.quality_figure(l.quality, 'factual_sentences'::text)), 0), 3)),
        'reading_grade', trim_scale(round(avg(public.quality_figure(l.quality, 'reading_grade'::text)), 1)),
        'hardest_reading_grade', max(public.quality_figure(l.quality, 'reading_grade'::text)),
        'checks', (SELECT count(*) FROM public.lesson_checks k JOIN public.lessons kl ON kl.id = k.lesson_id
                   WHERE kl.course_id = course),
        'valid_keys', coalesce(sum(public.quality_count(l.quality, 'valid_keys'::text)), 0),
        'hard_findings', coalesce(sum(public.quality_count(l.quality, 'hard_findings'::text)), 0) + (
            SELECT count(*) FROM public.courses c, jsonb_path_query(c.outline_findings, '$[*].severity') AS severity
            WHERE c.id = course AND severity = '"hard"'),
        'soft_findings', coalesce(sum(public.quality_count(l.quality, 'soft_findings'::text)), 0) + (
            SELECT count(*) FROM public.courses c, jsonb_path_query(c.outline_findings, '$[*].severity') AS severity
            WHERE c.id = course AND severity = '"soft"'),
        'tokens', (SELECT coalesce(sum(m.input_tokens::bigint + m.output_tokens), 0)
                   FROM public.model_calls m WHERE m.course_id = course),
        'repair_tokens', (SELECT coalesce(sum(m.input_tokens::bigint + m.output_tokens), 0)
                          FROM public.model_calls m WHERE m.course_id = course AND m.repair),
        'checked_by_rules', jsonb_build_array('quotations', 'numbers_and_names', 'answer_keys', 'language', 'form'),
        'not_checked', jsonb_build_array('meaning_of_citations', 'truth_without_sources')
    )
    FROM public.lessons l WHERE l.course_id = course
$$;
$function$;

EXECUTE $function$
-- Makes the slug of a title. It lists what separates words, not what belongs to them: [[:alnum:]] splits Devanagari at
-- its vowel signs, and under C collation drops it whole. Joiners (U+200C, U+200D) stand inside words and are taken out.
CREATE OR REPLACE FUNCTION public.course_slug(title TEXT, id UUID) RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(
        nullif(
            rtrim(left(
                trim(BOTH '-' FROM
                    regexp_replace(
                        regexp_replace(lower(title), '[\u200C\u200D\uFE00-\uFE0F]', '', 'g'),
                        '[\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00A9\u00AB-\u00B4\u00B6-\u00B9\u00BB-\u00BF'
                        '\u00D7\u00F7\u055A-\u055F\u0589\u058A\u05BE\u05C0\u05C3\u060C\u061B\u061E\u061F\u066A-\u066D'
                        '\u06D4\u0964\u0965\u0970\u0E4F\u0E5A\u0E5B\u1680\u2000-\u206F\u20A0-\u20CF\u2190-\u2BFF'
                        '\u2E00-\u2E7F\u3000-\u3004\u3008-\u3020\u3030\u303D\u30A0\u30FB\uE000-\uF8FF\uFE10-\uFE6F'
                        '\uFF00-\uFF0F\uFF1A-\uFF20\uFF3B-\uFF40\uFF5B-\uFF65\uFFE0-\uFFFF'
                        '\U0001F000-\U0001FAFF\U000E0000-\U0010FFFF]+',
                        '-', 'g'
                    )
                ),
                120
            ), '-'),
            ''
        ),
        'course-' || left(id::text, 8)
    )
$$;
$function$;

EXECUTE $function$
-- Counts what the model calls of a course took. The worker counts the same for courses that it writes with files only;
-- a test compares the two. There is a cost only if each call that took tokens has one, as the cost of some calls alone
-- would look too small.
CREATE OR REPLACE FUNCTION public.course_usage(course UUID) RETURNS JSONB
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
        'calls', count(*),
        'input_tokens', coalesce(sum(input_tokens), 0),
        'cached_tokens', coalesce(sum(cached_tokens), 0),
        'output_tokens', coalesce(sum(output_tokens), 0),
        'cost', CASE WHEN NOT bool_or(cost IS NULL AND input_tokens + output_tokens > 0) THEN sum(cost) END
    )
    FROM public.model_calls
    WHERE course_id = course
$$;
$function$;

EXECUTE $function$
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
$function$;

EXECUTE $function$
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
$function$;

EXECUTE $function$
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
$function$;

EXECUTE $function$
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
$function$;

EXECUTE $function$
-- Fills `courses.slug`. A slug that was given stays, and that of a finished course never changes, so that links stay
-- good.
CREATE OR REPLACE FUNCTION public.courses_set_slug() RETURNS TRIGGER
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.status = 'READY' THEN
        NEW.slug := OLD.slug;  -- links to a finished course stay good
    ELSIF TG_OP = 'UPDATE' AND NEW.title IS DISTINCT FROM OLD.title THEN
        NEW.slug := public.course_slug(NEW.title, NEW.id);
    ELSE
        NEW.slug := coalesce(nullif(NEW.slug, ''), public.course_slug(NEW.title, NEW.id));
    END IF;
    RETURN NEW;
END
$$;

-- Nobody may make it the trigger of another table; the triggers here need no right to call it.
REVOKE EXECUTE ON FUNCTION public.courses_set_slug() FROM PUBLIC;

CREATE OR REPLACE TRIGGER courses_slug BEFORE INSERT OR UPDATE OF title, slug ON public.courses
    FOR EACH ROW EXECUTE FUNCTION public.courses_set_slug();
$function$;

EXECUTE $function$
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
$function$;

EXECUTE $function$
-- Says whether the same request may succeed if it is tried again with nothing changed. ErrorCode.retryable in src says
-- the same; a test compares the two.
CREATE OR REPLACE FUNCTION public.error_is_retryable(code TEXT) RETURNS BOOLEAN
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT code IN ('model_unavailable', 'model_output_invalid', 'attempts_exhausted', 'limit_exceeded', 'internal')
$$;
$function$;

EXECUTE $function$
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
$function$;

EXECUTE $function$
-- Puts the message for the status of `c` into the outbox; a final one also for everyone who asked for a reply. The
-- message_id of a success follows from the course. If the course was also written with files only, while the database
-- was away, both messages have the same id, and whoever has seen the one drops the other.
CREATE OR REPLACE FUNCTION public.put_status(c public.courses, hold INTERVAL DEFAULT '0') RETURNS VOID
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    message JSON := public.status_message(c);
    encoded BYTEA := convert_to(message::text, 'UTF8');
    kind TEXT := 'course.' || (message ->> 'status');
    sent_as UUID := CASE
        WHEN c.status = 'READY'
        THEN encode(substr(sha256(uuid_send(c.id) || convert_to(kind, 'UTF8')), 1, 16), 'hex')::UUID
        ELSE gen_random_uuid()
    END;
BEGIN
    INSERT INTO public.outbox (course_id, destination, message_id, correlation_id, type, body, publish_after)
    VALUES (c.id, 'status', sent_as, c.request_id, kind, encoded, now() + hold);
    IF c.status IN ('READY', 'FAILED') THEN
        INSERT INTO public.outbox (course_id, destination, routing_key, message_id, correlation_id, type, body, publish_after)
        SELECT c.id, 'reply', reply_to, sent_as, correlation_id, kind, encoded, now() + hold
        FROM public.course_replies WHERE course_id = c.id;
    END IF;
END
$$;

-- Only triggers and repeat_result call it.
REVOKE EXECUTE ON FUNCTION public.put_status(public.courses, interval) FROM PUBLIC;
$function$;

EXECUTE $function$
-- Returns a figure of a `quality` as an INT; NULL if it is no number that fits.
CREATE OR REPLACE FUNCTION public.quality_count(quality JSONB, name TEXT) RETURNS INT
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN public.quality_figure(quality, name) OPERATOR(pg_catalog.>=) (-2147483648)::pg_catalog.numeric
                    AND public.quality_figure(quality, name) OPERATOR(pg_catalog.<=) 2147483647::pg_catalog.numeric
                THEN public.quality_figure(quality, name)::pg_catalog.int4 END
$$;
$function$;

EXECUTE $function$
-- Returns a figure of a `quality`; NULL if it is no number. Other programs may write a `quality` too, and one bad row
-- must break no view.
CREATE OR REPLACE FUNCTION public.quality_figure(quality JSONB, name TEXT) RETURNS NUMERIC
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN pg_catalog.jsonb_typeof(quality OPERATOR(pg_catalog.->) name) OPERATOR(pg_catalog.=) 'number'::pg_catalog.text
                THEN (quality OPERATOR(pg_catalog.->>) name)::pg_catalog.numeric END
$$;
$function$;

EXECUTE $function$
-- Sends the stored result of a course that is READY or FAILED once more, with the message_id that it had.
-- If `reply_to` is given, that queue gets it too. Returns FALSE if the course is open: its result is still to come.
CREATE OR REPLACE FUNCTION public.repeat_result(course UUID, reply_to TEXT DEFAULT NULL, correlation TEXT DEFAULT NULL)
RETURNS BOOLEAN
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c public.courses;
    result public.outbox;
BEGIN
    -- The lock makes this wait for a worker that is finishing the course right now.
    SELECT * INTO c FROM public.courses WHERE id = course FOR NO KEY UPDATE;
    IF NOT FOUND OR c.status NOT IN ('READY', 'FAILED') THEN
        RETURN FALSE;
    END IF;
    SELECT * INTO result FROM public.outbox o
    WHERE o.course_id = course AND o.destination = 'status' AND o.type IN ('course.success', 'course.error')
    ORDER BY o.id DESC LIMIT 1;
    IF NOT FOUND THEN  -- an import, or a course of another program
        PERFORM public.put_status(c, INTERVAL '0');
        SELECT * INTO result FROM public.outbox o WHERE o.course_id = course AND o.destination = 'status' ORDER BY o.id DESC LIMIT 1;
    ELSIF result.published_at IS NOT NULL OR result.dead_at IS NOT NULL THEN
        UPDATE public.outbox SET published_at = NULL, dead_at = NULL, claimed_until = NULL, publish_after = now(), failures = 0,
            last_error = NULL
        WHERE id = result.id;
    ELSIF result.claimed_until > now() THEN
        -- A relay has it, and may have sent it before this repeat was asked for, without having marked it yet.
        INSERT INTO public.outbox (course_id, destination, message_id, correlation_id, type, body)
        VALUES (course, 'status', result.message_id, result.correlation_id, result.type, result.body);
    END IF;
    IF reply_to IS NOT NULL THEN
        INSERT INTO public.outbox (course_id, destination, routing_key, message_id, correlation_id, type, body, publish_after)
        VALUES (course, 'reply', reply_to, result.message_id, correlation, result.type, result.body,
                greatest(result.publish_after, now()));
    END IF;
    RETURN TRUE;
END
$$;

-- It writes: workers and operators get it by a grant.
REVOKE EXECUTE ON FUNCTION public.repeat_result(uuid, text, text) FROM PUBLIC;
$function$;

EXECUTE $function$
-- Keeps source_lexemes and source_prefixes in step with the passages, whoever adds or deletes a document.
CREATE OR REPLACE FUNCTION public.source_passages_count() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    step CONSTANT INT := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    -- Nearly every document has words that others have too: whoever writes takes turns, else two would deadlock.
    PERFORM pg_advisory_xact_lock(hashtextextended('course-generator source library', 0));
    INSERT INTO public.source_lexemes AS l (lexeme, passages)
    SELECT w.lexeme, step * count(*) FROM changed, unnest(changed.words) w GROUP BY w.lexeme
    ON CONFLICT (lexeme) DO UPDATE SET passages = l.passages + EXCLUDED.passages;
    INSERT INTO public.source_prefixes AS p (prefix, passages)
    SELECT prefix, step * count(*) FROM changed, unnest(changed.prefixes || ''::text) prefix GROUP BY prefix
    ON CONFLICT (prefix) DO UPDATE SET passages = p.passages + EXCLUDED.passages;
    IF TG_OP = 'DELETE' THEN
        DELETE FROM public.source_prefixes p USING (SELECT DISTINCT unnest(prefixes) AS prefix FROM changed) c
        WHERE p.prefix = c.prefix AND p.passages <= 0;
    END IF;
    RETURN NULL;
END
$$;

-- Nobody may make it the trigger of another table; the triggers here need no right to call it.
REVOKE EXECUTE ON FUNCTION public.source_passages_count() FROM PUBLIC;

CREATE OR REPLACE TRIGGER source_passages_added AFTER INSERT ON public.source_passages
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.source_passages_count();
CREATE OR REPLACE TRIGGER source_passages_removed AFTER DELETE ON public.source_passages
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.source_passages_count();
$function$;

EXECUTE $function$
-- Empties source_lexemes and source_prefixes when all passages are deleted at once by TRUNCATE, of source_documents too.
CREATE OR REPLACE FUNCTION public.source_passages_truncated() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM public.source_lexemes;
    DELETE FROM public.source_prefixes;
    RETURN NULL;
END
$$;

-- Nobody may make it the trigger of another table; the triggers here need no right to call it.
REVOKE EXECUTE ON FUNCTION public.source_passages_truncated() FROM PUBLIC;

CREATE OR REPLACE TRIGGER source_passages_truncated AFTER TRUNCATE ON public.source_passages
    FOR EACH STATEMENT EXECUTE FUNCTION public.source_passages_truncated();
$function$;

EXECUTE $function$
-- Returns the message for the status that `c` has now, as docs/contract/status.schema.json describes it. Nothing else
-- in SQL composes one. The worker composes the same for courses that it writes with files only; a test compares the
-- two.
CREATE OR REPLACE FUNCTION public.status_message(c public.courses) RETURNS JSON
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
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
                'retryable', public.error_is_retryable(coalesce(c.error_code, 'internal')),
                'message', left(coalesce(c.error_message, ''), 10000), 'timestamp', stamp);
    END CASE;
END
$$;
$function$;

EXECUTE $function$
-- Keeps `updated_at`, so that no program has to.
CREATE OR REPLACE FUNCTION public.touch_updated_at() RETURNS TRIGGER
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

-- Nobody may make it the trigger of another table; the triggers here need no right to call it.
REVOKE EXECUTE ON FUNCTION public.touch_updated_at() FROM PUBLIC;

-- Writing the mirror doesn't change the course.
CREATE OR REPLACE TRIGGER courses_touch BEFORE UPDATE ON public.courses
    FOR EACH ROW WHEN (NEW.mirrored_at IS NOT DISTINCT FROM OLD.mirrored_at)
    EXECUTE FUNCTION public.touch_updated_at();
CREATE OR REPLACE TRIGGER lessons_touch BEFORE UPDATE ON public.lessons
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
CREATE OR REPLACE TRIGGER lesson_bodies_touch BEFORE UPDATE ON public.lesson_bodies
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
$function$;

-- What `alembic upgrade head` would have written.
DELETE FROM public.schema_functions;
INSERT INTO public.schema_functions (name, digest) VALUES
    ('course_quality', '351f1f4527cce911397021a823ee4b1c8b5e5f082539dd66845a3740fbb529c3'),
    ('course_slug', 'beb37b1e0fe2dc5a46f20ab9bf315771169ccfcfe125e32feed9b3901dd7b73f'),
    ('course_usage', '706243a638886ade929ee3ff88fae53d6358d634c27944aa67190a825ddae4be'),
    ('courses_check_status', 'cc9172fc4b6ceaca9b67bc306e512f61afaf9e813b4bcbdb2c4a7286e0f1740f'),
    ('courses_follow_delete', 'eaadd727c5b2f6db6458283fbd14e5c979e8260408ec4c8104bb5346ed149be1'),
    ('courses_follow_status', '9256442c365b0dee8efd7f4ded734415b45bdac6a1523a59f93cec4a8bb0b20b'),
    ('courses_follow_truncate', '39d6926501ad883a654d6e05bb4ce8da4488ffc63a93a47335b173dc136433a9'),
    ('courses_set_slug', '5bf4124d44b57047a787520edcba4c771321d1ddad560c4a815a8d2e59903a24'),
    ('enqueue_course', 'f61115bdf1cc720a8573efa5f936f569495a956919cebf40e8a51cce847e213e'),
    ('error_is_retryable', 'bd988ef8bd325120aa3ad2f53129fa9a9042079f3f7a8425baf4db9cc53939b6'),
    ('hold_lease', '94c927d34c6140dea81a67f9b5611148e72f542a15ad957e367d82d8b05cf71c'),
    ('put_status', '6a305f7b68837088beaeb86367ef08aee42e68eaca2e945a01170b59872282d2'),
    ('quality_count', '4a93b589ec4a6cb12c3f834e3b8c6cbf6479e5701e95fec9dc3e071c4e598a09'),
    ('quality_figure', '4d87bf5196d15ba3bc6395d14a4643709729cd62f88232317e612ec7e2575ff6'),
    ('repeat_result', '65814f02dd8f6197b0aa5fada54c2687c2e1cfa24eb0f407daff8da8cd3c4f02'),
    ('source_passages_count', 'e0ee17fc29a00d31c69e9f7284e412d43812234e52bbd691426e52f95f9d08bc'),
    ('source_passages_truncated', '1ec9ac7701d147d586834e73e8644f66eeb627e6e729e71f3a737943d01da0f6'),
    ('status_message', 'a0acda8baa2dec23858d356ebe04aa308321a5481f1ddb8b3d31307c2ab42ab4'),
    ('touch_updated_at', '3b2f60a2ab6795f468dfb7eed8e17c2183a4a81d2bc893d948563165ea5310c0');
CREATE TABLE IF NOT EXISTS public.alembic_version (
    version_num VARCHAR(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY
);
DELETE FROM public.alembic_version;
INSERT INTO public.alembic_version (version_num) VALUES ('0014');
END
$schema$;

COMMIT;
