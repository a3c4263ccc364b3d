-- Counts a user's courses beside one: those that are open, and those of the last minute; none further than its limit,
-- and those that have no limit not at all.
SELECT (SELECT count(*) FROM (
            SELECT FROM public.generation_queue
            WHERE user_id = :user_id AND course_id <> :course_id AND CAST(:most_open AS bigint) IS NOT NULL
            ORDER BY priority, fair_rank
            LIMIT :most_open
        ) o) AS open,
       (SELECT count(*) FROM (
            SELECT FROM public.courses
            WHERE user_id = :user_id AND id <> :course_id AND created_at > now() - interval '1 minute'
              AND error_code IS DISTINCT FROM 'limit_exceeded' AND CAST(:most_new AS bigint) IS NOT NULL
            ORDER BY created_at
            LIMIT :most_new
        ) n) AS new
