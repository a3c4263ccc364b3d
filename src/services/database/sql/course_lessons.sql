-- The lessons of a course with their bodies, in order.
SELECT f.lesson_number, f.title, f.description, f.key_concepts, f.learning_objectives, f.sources, f.content_json,
       f.generated_at, l.quality, l.written_by, l.prompt_version, l.prompt_digest
FROM v_lessons_full f
JOIN lessons l ON l.id = f.id
WHERE f.course_id = :course_id
ORDER BY f.lesson_number
