-- Leases that are this worker's by the database but that it doesn't know of: a claim whose confirmation was lost,
-- or slots that stopped while the database was away. The worker goes on with them; the attempt was counted already.
SELECT c.id AS course_id, q.lease_id, q.attempt, c.user_id, c.request_id, c.topic, c.grade_level, c.total_lessons,
       c.source_filter, c.language, c.outline_json, q.postponements,
       extract(epoch FROM now() - q.queued_at)::float AS waited,
       ARRAY(SELECT lesson_number FROM lessons WHERE course_id = c.id ORDER BY lesson_number) AS saved_lessons
FROM generation_queue q
JOIN courses c ON c.id = q.course_id
WHERE q.lease_owner = :worker_id AND q.lease_id <> ALL (CAST(:known AS uuid[]))
LIMIT :limit
