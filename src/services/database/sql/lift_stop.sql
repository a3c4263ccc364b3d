-- Notes that the model has answered a course that was let through since the stop began, as it was asked when the stop
-- began. Then the first course that met the error may be at fault itself; the others met it because it was there. A mark
-- that somebody has locked stays: it costs its course one more stop.
WITH lifted AS (
    DELETE FROM public.model_stops
    WHERE server = :server AND since = :since AND (purpose = 'search' OR purpose = ANY (CAST(:answered AS text[])))
    RETURNING course_id
), marked AS (
    SELECT q.course_id, q.course_id = lifted.course_id AND q.course_id <> :course_id AS is_first
    FROM public.generation_queue q CROSS JOIN lifted
    WHERE q.refusal = 'open' AND q.refused_by = :server
    FOR NO KEY UPDATE OF q SKIP LOCKED
)
UPDATE public.generation_queue q
SET refusal = CASE WHEN marked.is_first THEN 'own' END
FROM marked
WHERE q.course_id = marked.course_id
