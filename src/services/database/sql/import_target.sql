-- Finds the course of an import, if the database has it. It is untouched if it was accepted and nobody has begun with
-- it.
SELECT c.status = 'QUEUED' AND c.outline_json IS NULL
       AND EXISTS (SELECT FROM public.generation_queue q WHERE q.course_id = c.id AND q.lease_id IS NULL) AS untouched
FROM public.courses c
WHERE c.id = :course_id
FOR NO KEY UPDATE
