-- The lessons of a course with their bodies, in order.
SELECT lesson_number, title, description, key_concepts, learning_objectives, sources, content_json, generated_at
FROM v_lessons_full
WHERE course_id = :course_id
ORDER BY lesson_number
