-- Makes a course READY that another program has written and handed over.
UPDATE public.courses
SET status = 'READY', generated_at = :generated_at, sources = CAST(:sources AS text[]), language = :language,
    quality = CAST(:quality AS jsonb), outline_findings = CAST(:outline_findings AS jsonb)
WHERE id = :course_id
