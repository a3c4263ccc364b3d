-- Gives the course back to the queue. :refund is 1 if the attempt doesn't count, because the worker stops, or the model or
-- the sources are away.
UPDATE public.generation_queue
SET lease_id = NULL, lease_owner = NULL, leased_at = NULL,
    attempt = attempt - :refund,
    run_after = now() + make_interval(secs => :delay),
    postponements = CASE WHEN CAST(:postponed AS boolean) THEN postponements + 1 ELSE 0 END,
    postponed_since = CASE WHEN CAST(:postponed AS boolean) THEN coalesce(postponed_since, now()) END
WHERE course_id = :course_id
