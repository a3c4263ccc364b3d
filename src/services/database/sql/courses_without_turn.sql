-- Returns courses that have no turn yet: those of the highest priority first. A user who queues a million courses
-- keeps no other from a turn: of each priority a few courses of many users are looked at, beginning with a user
-- anywhere in the list, the first of each before the second, and no more than `limit` in all.
WITH RECURSIVE priorities AS (
    (SELECT priority FROM public.generation_queue WHERE fair_rank IS NULL ORDER BY priority DESC LIMIT 1)
    UNION ALL
    SELECT lower.priority
    FROM priorities p CROSS JOIN LATERAL (
        SELECT priority FROM public.generation_queue
        WHERE fair_rank IS NULL AND priority < p.priority ORDER BY priority DESC LIMIT 1
    ) lower
)
SELECT c.course_id
FROM priorities p CROSS JOIN LATERAL (
    SELECT u.user_id
    FROM (VALUES (1, CAST(:first_user AS uuid), 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
                 (2, '00000000-0000-0000-0000-000000000000', CAST(:first_user AS uuid))) part (number, first, last)
    CROSS JOIN LATERAL (
        WITH RECURSIVE users AS (
            (SELECT user_id FROM public.generation_queue
             WHERE fair_rank IS NULL AND priority = p.priority AND user_id BETWEEN part.first AND part.last
             ORDER BY user_id LIMIT 1)
            UNION ALL
            SELECT further.user_id
            FROM users u CROSS JOIN LATERAL (
                SELECT user_id FROM public.generation_queue
                WHERE fair_rank IS NULL AND priority = p.priority AND user_id > u.user_id AND user_id <= part.last
                ORDER BY user_id LIMIT 1
            ) further
        )
        SELECT user_id FROM users LIMIT :users
    ) u
    ORDER BY part.number
    LIMIT :users
) u CROSS JOIN LATERAL (
    SELECT q.course_id, row_number() OVER (ORDER BY q.queued_at, q.course_id) AS number
    FROM public.generation_queue q
    WHERE q.fair_rank IS NULL AND q.priority = p.priority AND q.user_id = u.user_id
    ORDER BY q.queued_at, q.course_id
    LIMIT :of_each
) c
ORDER BY p.priority DESC, c.number
LIMIT :limit
