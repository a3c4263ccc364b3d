-- Fails those of the given courses that were queued by plain SQL (they have no `request`) beyond what one user may
-- have, and returns those that may have their turns. One that somebody has locked is neither: it is judged when it
-- isn't. A limit that isn't set is NULL, and so is what is compared with it. A course that is queued again is new
-- again.
WITH new AS MATERIALIZED (
    SELECT q.course_id, q.user_id, q.queued_at, c.request IS NULL AS by_sql
    FROM public.generation_queue q JOIN public.courses c ON c.id = q.course_id
    WHERE q.course_id = ANY (CAST(:courses AS uuid[])) AND q.fair_rank IS NULL AND c.status = 'QUEUED'
    FOR NO KEY UPDATE OF c, q SKIP LOCKED
), users AS MATERIALIZED (
    -- Those with a turn are open, whatever comes after them.
    SELECT user_id, (
        SELECT count(*) FROM (
            SELECT FROM public.generation_queue o
            WHERE o.user_id = n.user_id AND o.fair_rank IS NOT NULL AND CAST(:most_open AS bigint) IS NOT NULL
            ORDER BY o.priority, o.fair_rank
            LIMIT :most_open
        ) o) AS open
    FROM (SELECT DISTINCT user_id FROM new) n
), lately AS MATERIALIZED (
    -- FALSE where nothing is limited: what has no value would be counted apart below.
    SELECT new.*, coalesce(by_sql AND (
        SELECT count(*) FROM (
            SELECT FROM public.courses c
            WHERE c.user_id = new.user_id AND c.created_at > new.queued_at - interval '1 minute'
              AND (c.created_at, c.id) < (new.queued_at, new.course_id) AND c.id <> new.course_id
              AND c.error_code IS DISTINCT FROM 'limit_exceeded' AND CAST(:most_new AS bigint) IS NOT NULL
            ORDER BY c.created_at, c.id
            LIMIT :most_new
        ) c) >= CAST(:most_new AS bigint), FALSE) AS too_many_new
    FROM new
), judged AS (
    SELECT course_id, too_many_new, by_sql AND CAST(:most_open AS bigint) < u.open + row_number() OVER (
        PARTITION BY user_id, too_many_new ORDER BY by_sql, queued_at, course_id) AS too_many_open
    FROM lately JOIN users u USING (user_id)
), failed AS (
    UPDATE public.courses c
    SET status = 'FAILED', error_code = :error_code,
        error_message = CASE WHEN j.too_many_open THEN :too_many_open ELSE :too_many_new END
    FROM judged j
    WHERE c.id = j.course_id AND (j.too_many_open OR j.too_many_new)
)
SELECT course_id FROM judged WHERE too_many_open IS NOT TRUE AND NOT too_many_new
