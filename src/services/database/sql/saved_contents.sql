-- What the finished lessons of an open course say, so that the others don't say it again.
SELECT lesson_number, content_json
FROM v_lessons_full
WHERE course_id = :course_id AND content_json IS NOT NULL
