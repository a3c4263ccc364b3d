-- Frees courses whose worker has missed a whole lease, has no row, or has held them beyond the course deadline; and
-- ends those that have no attempt left. Only a rescuer whose own beats are unbroken for as long may judge, so that
-- nobody takes courses from the living after an outage that all of them were in. The living may then be unseen for as
-- long as the rescuer was cut off, and for a heartbeat before it and one after it, each a third of a lease at most. All
-- of it is one statement, which wins or loses as a whole against a worker that is finishing the course.
WITH me AS (
    SELECT unbroken_since, longest_gap FROM public.workers WHERE id = :worker_id AND now() - last_seen_at < lease
), lost AS (
    SELECT q.course_id, q.attempt, q.lease_owner
    FROM public.generation_queue q
    JOIN public.courses c ON c.id = q.course_id
    CROSS JOIN me
    LEFT JOIN public.workers w ON w.id = q.lease_owner
    WHERE (
        q.lease_id IS NOT NULL
        AND (
            (w.id IS NULL AND now() - me.unbroken_since >= make_interval(secs => :lease))
            OR (
                -- Seen much later than now: before the clock was put back. The living have beaten again since. Less may
                -- be a beat of this moment, as now() is when this transaction began.
                (w.last_seen_at - now() >= w.lease
                 OR now() - w.last_seen_at >= greatest(w.lease, w.lease * 2 / 3 + me.longest_gap))
                AND now() - me.unbroken_since >= w.lease
            )
            OR (
                now() - q.leased_at >= make_interval(secs => :course_deadline)
                AND now() - me.unbroken_since >= make_interval(secs => :lease)
            )
        )
    ) OR (q.lease_id IS NULL AND q.attempt > 0 AND q.attempt >= :max_attempts)
    LIMIT :limit
    FOR NO KEY UPDATE OF q, c SKIP LOCKED
), freed AS (
    UPDATE public.generation_queue q
    SET lease_id = NULL, lease_owner = NULL, leased_at = NULL,
        -- The first new try comes at once. A course that ends its worker again and again is tried later and later.
        run_after = now() + make_interval(secs => CASE WHEN q.attempt <= 1 THEN 0 ELSE least(60, 2 ^ q.attempt) END)
    FROM lost
    WHERE q.course_id = lost.course_id
    RETURNING q.course_id
)
UPDATE public.courses c
SET status = CASE WHEN lost.attempt >= :max_attempts THEN 'FAILED' ELSE 'QUEUED' END::public.course_status,
    error_code = CASE WHEN lost.attempt >= :max_attempts THEN 'attempts_exhausted' END,
    error_message = CASE WHEN lost.attempt >= :max_attempts
        THEN format('Given up after %s attempts: each time its worker went away or did not come to an end', lost.attempt) END
FROM lost
JOIN freed ON freed.course_id = lost.course_id
WHERE c.id = lost.course_id
RETURNING c.id AS course_id, c.status, lost.attempt, lost.lease_owner AS worker
