-- Chooses the course that is let through to see whether a stop still holds, and says when the next one may be: later
-- each time, and not while this one is being written. A course that has met nothing comes first, of another user if
-- there is one. What others have locked is left alone, as the claim leaves it alone.
WITH stop AS (
    SELECT s.server, s.user_id
    FROM public.model_stops s
    WHERE s.server = :server AND s.next_trial_at <= now()
      AND NOT EXISTS (SELECT FROM public.generation_queue q WHERE q.course_id = s.trial_course_id
                      AND q.lease_id IS NOT NULL AND q.leased_at > now() - interval '10 minutes')
    FOR UPDATE SKIP LOCKED
), chosen AS (
    SELECT q.course_id
    FROM public.generation_queue q JOIN public.courses c ON c.id = q.course_id CROSS JOIN stop
    WHERE q.lease_id IS NULL AND q.run_after <= now() AND q.attempt < :max_attempts
      AND c.status = 'QUEUED' AND q.fair_rank IS NOT NULL
    ORDER BY q.refusal IS NOT NULL, c.user_id IS NOT DISTINCT FROM stop.user_id, q.priority DESC, q.fair_rank, q.course_id
    LIMIT 1
    FOR NO KEY UPDATE OF q, c SKIP LOCKED
)
UPDATE public.model_stops s
SET trials = s.trials + 1, trial_course_id = chosen.course_id,
    next_trial_at = now() + least(interval '1 minute' * 2 ^ least(s.trials + 1, 10), interval '10 minutes')
FROM chosen
WHERE s.server = :server
RETURNING chosen.course_id
