-- The title is known from here on; until now it was the topic.
UPDATE courses
SET title = :title, outline_json = CAST(:outline AS jsonb), total_lessons = :total_lessons,
    outline_findings = CAST(:findings AS jsonb)
WHERE id = :course_id
