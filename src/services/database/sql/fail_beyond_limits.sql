-- Fails those of the given courses that were queued by plain SQL (they have no `request`) beyond what one user may have. A limit that
-- isn't set is NULL, and so is what is compared with it. A course that is queued again is new again.
WITH new AS MATERIALIZED (
    SELECT q.course_id, q.user_id, q.queued_at
    FROM public.generation_queue q JOIN public.courses c ON c.id = q.course_id
    WHERE q.course_id = ANY (CAST(:courses AS uuid[]))
      AND q.fair_rank IS NULL AND c.request IS NULL AND c.status = 'QUEUED'
    FOR NO KEY UPDATE OF c, q SKIP LOCKED
), judged AS MATERIALIZED (
    SELECT course_id,
        (SELECT count(*) FROM (
            SELECT FROM public.generation_queue o
            WHERE o.user_id = new.user_id AND (o.queued_at, o.course_id) < (new.queued_at, new.course_id) LIMIT :most_open
        ) o) >= CAST(:most_open AS bigint) AS too_many_open,
        (SELECT count(*) FROM (
            SELECT FROM public.courses n
            WHERE n.user_id = new.user_id AND n.created_at > new.queued_at - interval '1 minute'
              AND (n.created_at, n.id) < (new.queued_at, new.course_id) AND n.id <> new.course_id
              AND n.error_code IS DISTINCT FROM 'limit_exceeded'
            LIMIT :most_new
        ) n) >= CAST(:most_new AS bigint) AS too_many_new
    FROM new
)
UPDATE public.courses c
SET status = 'FAILED', error_code = :error_code,
    error_message = CASE WHEN judged.too_many_open THEN :too_many_open ELSE :too_many_new END
FROM judged
WHERE c.id = judged.course_id AND (judged.too_many_open OR judged.too_many_new)
