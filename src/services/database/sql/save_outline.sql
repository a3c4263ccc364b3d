-- Saves the outline, and with it the title, which was the topic until now.
UPDATE public.courses
SET title = :title, outline_json = CAST(:outline AS jsonb), total_lessons = :total_lessons,
    outline_findings = CAST(:findings AS jsonb)
WHERE id = :course_id
