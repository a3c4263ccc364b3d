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
