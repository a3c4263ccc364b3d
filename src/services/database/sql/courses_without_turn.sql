-- Returns courses that have no turn yet. A user who queues a million courses keeps no other from a turn: a few courses of
-- many users are looked at, beginning with a user anywhere in the list, the first of each before the second, and no more than
-- `limit` in all.
WITH RECURSIVE after (user_id) AS (
    (SELECT user_id FROM public.generation_queue
     WHERE fair_rank IS NULL AND user_id >= :first_user ORDER BY user_id LIMIT 1)
    UNION ALL
    SELECT (SELECT q.user_id FROM public.generation_queue q
            WHERE q.fair_rank IS NULL AND q.user_id > a.user_id ORDER BY q.user_id LIMIT 1)
    FROM after a WHERE a.user_id IS NOT NULL
), before (user_id) AS (
    (SELECT user_id FROM public.generation_queue
     WHERE fair_rank IS NULL AND user_id < :first_user ORDER BY user_id LIMIT 1)
    UNION ALL
    SELECT (SELECT q.user_id FROM public.generation_queue q
            WHERE q.fair_rank IS NULL AND q.user_id > b.user_id AND q.user_id < :first_user ORDER BY q.user_id LIMIT 1)
    FROM before b WHERE b.user_id IS NOT NULL
), looked_at AS MATERIALIZED (
    (SELECT user_id FROM after WHERE user_id IS NOT NULL LIMIT :users)
    UNION ALL
    (SELECT user_id FROM before WHERE user_id IS NOT NULL LIMIT :users)
    LIMIT :users
)
SELECT c.course_id
FROM looked_at s CROSS JOIN LATERAL (
    SELECT q.course_id, row_number() OVER (ORDER BY q.priority DESC, q.queued_at, q.course_id) AS number
    FROM public.generation_queue q
    WHERE q.user_id = s.user_id AND q.fair_rank IS NULL
    ORDER BY q.priority DESC, q.queued_at, q.course_id
    LIMIT :of_each
) c
ORDER BY c.number
LIMIT :limit
