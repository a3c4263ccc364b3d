-- Claims up to :limit due courses in turn; while a stop holds, the single course that is let through (:only). Attempt + 1
-- is part of the claim, so an attempt that kills its process is counted too. SKIP LOCKED on both tables keeps it from
-- waiting for, or deadlocking with, an operator's UPDATE.
WITH due AS (
    SELECT q.course_id
    FROM public.generation_queue q
    JOIN public.courses c ON c.id = q.course_id
    WHERE q.lease_id IS NULL
      -- Nothing is put off for longer than that, but by an operator's 'infinity': the clock was ahead then.
      AND (q.run_after <= now()
           OR (q.run_after > now() + make_interval(secs => :longest_delay) + interval '1 minute' AND q.run_after < 'infinity'))
      AND (CAST(:only AS uuid) IS NULL OR q.course_id = CAST(:only AS uuid))
      AND q.attempt < :max_attempts AND c.status = 'QUEUED' AND q.fair_rank IS NOT NULL
      -- Not if a copy of this process has beaten since.
      AND EXISTS (SELECT FROM public.workers w WHERE w.id = :worker_id AND w.token = ANY (CAST(:tokens AS uuid[])))
    ORDER BY q.priority DESC, q.fair_rank, q.course_id
    LIMIT :limit
    FOR NO KEY UPDATE OF q, c SKIP LOCKED
), leased AS (
    UPDATE public.generation_queue q
    SET attempt = q.attempt + 1, lease_id = gen_random_uuid(), lease_owner = :worker_id, leased_at = now()
    FROM due
    WHERE q.course_id = due.course_id
    RETURNING q.course_id, q.attempt, q.lease_id, q.postponed_since, q.postponements, q.priority, q.fair_rank, q.refusal, q.refused_by
), started AS (
    UPDATE public.courses c
    SET status = 'GENERATING', attempts = leased.attempt
    FROM leased
    WHERE c.id = leased.course_id
    RETURNING c.*
)
SELECT c.id AS course_id, l.lease_id, l.attempt, c.user_id, c.request_id, c.topic, c.grade_level, c.total_lessons,
       c.source_filter, c.language, c.outline_json, l.postponements,
       CAST(:trial_since AS timestamptz) AS trial_since,
       coalesce(l.refusal = 'own' AND l.refused_by = :server, false) AS is_refused_alone,
       coalesce(extract(epoch FROM now() - l.postponed_since), 0)::float AS postponed_for,
       ARRAY(SELECT lesson_number FROM public.lessons WHERE course_id = c.id ORDER BY lesson_number) AS saved_lessons,
       (SELECT coalesce(sum(greatest(budget_tokens, input_tokens::bigint + output_tokens)), 0) FROM public.model_calls WHERE course_id = c.id) AS tokens
FROM started c
JOIN leased l ON l.course_id = c.id
ORDER BY l.priority DESC, l.fair_rank
