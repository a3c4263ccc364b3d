-- Gives this worker the courses that are leased to it without its knowledge: the confirmation of a claim was lost, or
-- slots stopped while the database was away. The worker goes on with them; the attempt was counted already, and its
-- time begins anew. Only those from before its last beat, which has shown that no copy of this process holds them; a
-- time well in the future is of a clock that was ahead, and one just after now() of a copy that claims meanwhile. The
-- lease is new, because something of the old slot may still be on its way to the database.
WITH adopted AS (
    UPDATE public.generation_queue
    SET lease_id = gen_random_uuid(), leased_at = now()
    WHERE course_id IN (
        SELECT q.course_id FROM public.generation_queue q JOIN public.workers w ON w.id = q.lease_owner
        WHERE q.lease_owner = :worker_id AND q.lease_id IS NOT NULL AND q.lease_id <> ALL (CAST(:known AS uuid[]))
          AND w.token = ANY (CAST(:tokens AS uuid[]))
          AND (q.leased_at <= w.last_seen_at OR q.leased_at > now() + interval '1 minute')
        LIMIT :limit
        FOR NO KEY UPDATE OF q SKIP LOCKED
    )
    RETURNING *
)
SELECT c.id AS course_id, q.lease_id, q.attempt, c.user_id, c.request_id, c.topic, c.grade_level, c.total_lessons,
       c.source_filter, c.language, c.outline_json, q.postponements,
       CAST(NULL AS timestamptz) AS trial_since,
       coalesce(q.refusal = 'own' AND q.refused_by = :server, false) AS is_refused_alone,
       coalesce(extract(epoch FROM now() - q.postponed_since), 0)::float AS postponed_for,
       ARRAY(SELECT lesson_number FROM public.lessons WHERE course_id = c.id ORDER BY lesson_number) AS saved_lessons,
       (SELECT coalesce(sum(greatest(budget_tokens, input_tokens::bigint + output_tokens)), 0) FROM public.model_calls WHERE course_id = c.id) AS tokens
FROM adopted q
JOIN public.courses c ON c.id = q.course_id
