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
