-- Chooses the course that is let through to see whether a stop still holds, and says when the next one may be: later
-- each time. A course that has met nothing yet comes first, of another user if there is one.
WITH stop AS (
    SELECT server, user_id FROM public.model_stops WHERE server = :server AND next_trial_at <= now() FOR UPDATE SKIP LOCKED
), chosen AS (
    SELECT q.course_id
    FROM public.generation_queue q JOIN public.courses c ON c.id = q.course_id CROSS JOIN stop
    WHERE q.lease_id IS NULL AND q.run_after <= now() AND q.attempt < :max_attempts
      AND c.status = 'QUEUED' AND q.fair_rank IS NOT NULL
    ORDER BY q.refusal IS NOT NULL, c.user_id IS NOT DISTINCT FROM stop.user_id, q.priority DESC, q.fair_rank, q.course_id
    LIMIT 1
)
UPDATE public.model_stops s
SET trials = s.trials + 1, trial_course_id = chosen.course_id,
    next_trial_at = now() + CASE WHEN s.kind = 'moment' THEN least(interval '5 seconds' * 2 ^ least(s.trials, 10), interval '1 minute')
                                 ELSE least(interval '1 minute' * 2 ^ least(s.trials + 1, 10), interval '10 minutes') END
FROM chosen
WHERE s.server = :server
RETURNING chosen.course_id
