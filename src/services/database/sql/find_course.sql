-- Finds a course by its id, the name of its folder, its request_id or its slug. Several may have one request_id or
-- slug: a finished one goes before the others, then the newest; `others` says how many there are beside it.
SELECT id, title, grade_level, language, status, error_code, error_message, quality, outline_findings,
       count(*) OVER () - 1 AS others
FROM public.courses
WHERE id::text = lower(:name) OR request_id = :name OR slug = :name OR output_path LIKE '%/' || :folder
ORDER BY id::text = lower(:name) DESC, status = 'READY' DESC, created_at DESC
LIMIT 1
