COMMENT ON COLUMN public.courses.quality IS NULL;
DROP VIEW IF EXISTS public.v_stale_courses;
DROP VIEW IF EXISTS public.v_course_quality;
DROP FUNCTION IF EXISTS public.course_quality(UUID);
DROP FUNCTION IF EXISTS public.quality_count(JSONB, TEXT);
DROP FUNCTION IF EXISTS public.quality_figure(JSONB, TEXT);
DROP TABLE IF EXISTS public.lesson_citations;
ALTER TABLE public.lesson_checks DROP CONSTRAINT IF EXISTS lesson_checks_answer_key;
ALTER TABLE public.lesson_checks DROP COLUMN IF EXISTS kind, DROP COLUMN IF EXISTS choices, DROP COLUMN IF EXISTS key,
    DROP COLUMN IF EXISTS explanation, DROP COLUMN IF EXISTS evidence, DROP COLUMN IF EXISTS objective,
    DROP COLUMN IF EXISTS citation;
ALTER TABLE public.lessons DROP COLUMN IF EXISTS quality, DROP COLUMN IF EXISTS written_by,
    DROP COLUMN IF EXISTS prompt_version, DROP COLUMN IF EXISTS prompt_digest;
ALTER TABLE public.courses DROP COLUMN IF EXISTS outline_findings;
