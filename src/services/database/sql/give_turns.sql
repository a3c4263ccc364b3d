-- Gives turns to courses that have none yet, by start-time fair queueing: a user's next course comes after the user's
-- last one, and not before the turn that is being served now. So 500 courses of one user don't keep another user's
-- first one waiting. Two workers that give turns at once may give a user's courses the same ones, which is no harm.
WITH new AS MATERIALIZED (
    SELECT q.course_id, q.user_id, q.priority, q.queued_at
    FROM public.generation_queue q
    WHERE q.course_id = ANY (CAST(:courses AS uuid[])) AND q.fair_rank IS NULL
    FOR NO KEY UPDATE OF q SKIP LOCKED
), served AS MATERIALIZED (
    SELECT priority, coalesce(
        (SELECT q.fair_rank FROM public.generation_queue q
         WHERE q.priority = p.priority AND q.lease_id IS NULL AND q.run_after <= now() AND q.fair_rank IS NOT NULL
         ORDER BY q.fair_rank LIMIT 1),
        -- Nobody waits: the last turn that was served.
        (SELECT max(q.fair_rank) FROM public.generation_queue q WHERE q.lease_id IS NOT NULL AND q.priority = p.priority),
        0) AS turn
    FROM (SELECT DISTINCT priority FROM new) p
), users AS MATERIALIZED (
    SELECT p.user_id, p.priority, greatest(s.turn, (
        SELECT max(q.fair_rank) FROM public.generation_queue q WHERE q.user_id = p.user_id AND q.priority = p.priority
    )) AS turn
    FROM (SELECT DISTINCT user_id, priority FROM new) p JOIN served s USING (priority)
), given AS (
    SELECT n.course_id, u.turn + row_number() OVER (
        PARTITION BY n.user_id, n.priority ORDER BY n.queued_at, n.course_id) AS turn
    FROM new n JOIN users u USING (user_id, priority)
)
UPDATE public.generation_queue q
SET fair_rank = given.turn
FROM given
WHERE q.course_id = given.course_id
