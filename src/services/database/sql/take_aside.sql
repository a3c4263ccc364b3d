-- Returns the first request of each user, if it is due, and keeps other workers from it for a while. One is enough to
-- see whether the user's rows are still locked. However many wait, only the first of many users are looked at,
-- beginning with a user anywhere in the list. None is put off for five minutes: a time beyond that is of a clock that
-- was ahead.
UPDATE public.requests_set_aside r
SET run_after = now() + make_interval(secs => :claim)
WHERE r.id IN (
    SELECT id FROM public.requests_set_aside
    WHERE id IN (
        SELECT u.id
        FROM (VALUES (CAST(:first_user AS uuid), 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
                     ('00000000-0000-0000-0000-000000000000', CAST(:first_user AS uuid))) part (first, last)
        CROSS JOIN LATERAL (
            WITH RECURSIVE users AS (
                (SELECT user_id, id FROM public.requests_set_aside WHERE user_id BETWEEN part.first AND part.last
                 ORDER BY user_id, id LIMIT 1)
                UNION ALL
                SELECT further.*
                FROM users u CROSS JOIN LATERAL (
                    SELECT user_id, id FROM public.requests_set_aside
                    WHERE user_id > u.user_id AND user_id <= part.last ORDER BY user_id, id LIMIT 1
                ) further
            )
            SELECT id FROM users LIMIT :users
        ) u
    ) AND (run_after <= now() OR run_after > now() + interval '5 minutes')
    ORDER BY id
    LIMIT :limit
    FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING r.id, r.user_id, r.delivery_id, r.body, r.message_id, r.correlation_id, r.reply_to, r.priority, r.redelivered
