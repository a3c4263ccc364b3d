-- Notes that the model has answered the course that was let through. Then the first course that met an error which no
-- rule knows may be at fault itself; the others met it because it was there.
WITH lifted AS (
    DELETE FROM public.model_stops WHERE server = :server AND trial_course_id = :course_id RETURNING course_id
)
UPDATE public.generation_queue q
SET refusal = CASE WHEN q.course_id = lifted.course_id AND q.course_id <> :course_id THEN 'own' END
FROM lifted
WHERE q.refusal = 'open'
