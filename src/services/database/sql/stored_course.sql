-- Returns a finished course that has files, without its lessons.
SELECT c.id, c.user_id, c.request_id, c.title, c.topic, c.grade_level, c.source_filter, c.language, c.total_lessons,
       c.outline_json, c.outline_findings, c.sources, c.usage, c.quality, c.output_path, c.generated_at
FROM public.courses c
WHERE c.id = :course_id AND c.status = 'READY' AND c.output_path IS NOT NULL
