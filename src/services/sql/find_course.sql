-- A course by its id, its request_id or its slug; the newest where a request_id or slug names several.
SELECT id, title, grade_level, language, status, quality, outline_findings
FROM courses
WHERE id::text = lower(:name) OR request_id = :name OR slug = :name
ORDER BY id::text = lower(:name) DESC, created_at DESC
LIMIT 1
