-- 0010 quality: what was measured of each lesson and course, citations that were verified, and checks with their keys.

ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS outline_findings JSONB NOT NULL DEFAULT '[]';
COMMENT ON COLUMN public.courses.outline_findings IS 'What the gates found in the outline and a repair did not mend';
COMMENT ON COLUMN public.courses.quality IS 'Figures of the finished course, made by course_quality()';

-- NULL: the lesson was not written by this worker, or before it measured.
ALTER TABLE public.lessons ADD COLUMN IF NOT EXISTS quality JSONB;
ALTER TABLE public.lessons ADD COLUMN IF NOT EXISTS written_by TEXT;
ALTER TABLE public.lessons ADD COLUMN IF NOT EXISTS prompt_version INT;
ALTER TABLE public.lessons ADD COLUMN IF NOT EXISTS prompt_digest TEXT;
COMMENT ON COLUMN public.lessons.quality IS 'Figures and findings of the lesson';
COMMENT ON COLUMN public.lessons.written_by IS 'The model''s own name for itself';
COMMENT ON COLUMN public.lessons.prompt_version IS 'Of src/services/prompts/lesson.md';
COMMENT ON COLUMN public.lessons.prompt_digest IS 'SHA-256 (hex) of that prompt''s text';

ALTER TABLE public.lesson_checks ADD COLUMN IF NOT EXISTS kind TEXT CONSTRAINT lesson_checks_kind
    CHECK (kind IN ('multiple_choice', 'true_false', 'short_answer'));
ALTER TABLE public.lesson_checks ADD COLUMN IF NOT EXISTS choices TEXT[];
ALTER TABLE public.lesson_checks ADD COLUMN IF NOT EXISTS key INT;
ALTER TABLE public.lesson_checks ADD COLUMN IF NOT EXISTS explanation TEXT;
ALTER TABLE public.lesson_checks ADD COLUMN IF NOT EXISTS evidence TEXT;
ALTER TABLE public.lesson_checks ADD COLUMN IF NOT EXISTS objective INT;
ALTER TABLE public.lesson_checks ADD COLUMN IF NOT EXISTS citation INT;
COMMENT ON COLUMN public.lesson_checks.key IS 'Which of the choices is right: choices[key] = answer; NULL for a short answer';
COMMENT ON COLUMN public.lesson_checks.evidence IS 'The sentence of the lesson that shows that the answer is right';
COMMENT ON COLUMN public.lesson_checks.objective IS 'Which of the lesson''s learning_objectives it tests, counted from 1';
COMMENT ON COLUMN public.lesson_checks.citation IS 'lesson_citations.number of the citation that the answer rests on';

-- The database guards the answer key, whoever writes it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'lesson_checks_answer_key') THEN
        ALTER TABLE public.lesson_checks ADD CONSTRAINT lesson_checks_answer_key
            CHECK (key IS NULL OR (choices[key] IS NOT NULL AND choices[key] IS NOT DISTINCT FROM answer));
    END IF;
END
$$;

CREATE TABLE IF NOT EXISTS public.lesson_citations (
    lesson_id        UUID NOT NULL REFERENCES public.lessons (id) ON DELETE CASCADE,
    number           INT NOT NULL CHECK (number >= 1),
    document         TEXT NOT NULL,
    section          TEXT NOT NULL,
    start_offset     INT NOT NULL,
    end_offset       INT NOT NULL CHECK (end_offset > start_offset),
    quote            TEXT NOT NULL,
    score            REAL NOT NULL,
    document_version TEXT,
    PRIMARY KEY (lesson_id, number)
);
COMMENT ON COLUMN public.lesson_citations.number IS 'As the lesson''s text shows it: [1]';
COMMENT ON COLUMN public.lesson_citations.start_offset IS 'Where the quote begins in the document''s text, in characters';
COMMENT ON COLUMN public.lesson_citations.score IS '100: word for word; from 90: nearly, with the same numbers';
COMMENT ON COLUMN public.lesson_citations.document_version IS 'source_documents.sha256 when it was verified; NULL where the library knows none';
CREATE INDEX IF NOT EXISTS lesson_citations_document ON public.lesson_citations (document);

-- A figure of a `quality`, which other programs may write too; NULL where it is none, so that one row breaks no view.
CREATE OR REPLACE FUNCTION public.quality_figure(quality JSONB, name TEXT) RETURNS NUMERIC
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN pg_catalog.jsonb_typeof(quality -> name) = 'number' THEN (quality ->> name)::numeric END
$$;

-- The same as a whole number.
CREATE OR REPLACE FUNCTION public.quality_count(quality JSONB, name TEXT) RETURNS INT
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN public.quality_figure(quality, name) BETWEEN -2147483648 AND 2147483647
                THEN public.quality_figure(quality, name)::int END
$$;

-- The figures of a course from its lessons. The worker makes the same for courses that it writes with files only
-- (src/domain/quality/record.py).
CREATE OR REPLACE FUNCTION public.course_quality(course UUID) RETURNS JSONB
LANGUAGE sql STABLE
SET search_path = public, pg_temp
AS $$
    SELECT jsonb_build_object(
        'lessons_with_sources', count(*) FILTER (WHERE cardinality(l.sources) > 0),
        'lessons_without_sources', count(*) FILTER (WHERE coalesce(cardinality(l.sources), 0) = 0),
        'citations', coalesce(sum(quality_count(l.quality, 'citations')), 0),
        'citations_removed', coalesce(sum(quality_count(l.quality, 'citations_removed')), 0),
        'citation_precision', trim_scale(round(sum(quality_figure(l.quality, 'citations_verified'))
                                               / nullif(sum(quality_figure(l.quality, 'citations')), 0), 3)),
        'citation_coverage', trim_scale(round(sum(quality_figure(l.quality, 'cited_sentences'))
                                              / nullif(sum(quality_figure(l.quality, 'factual_sentences')), 0), 3)),
        'reading_grade', trim_scale(round(avg(quality_figure(l.quality, 'reading_grade')), 1)),
        'hardest_reading_grade', max(quality_figure(l.quality, 'reading_grade')),
        'checks', (SELECT count(*) FROM lesson_checks k JOIN lessons kl ON kl.id = k.lesson_id
                   WHERE kl.course_id = course),
        'valid_keys', coalesce(sum(quality_count(l.quality, 'valid_keys')), 0),
        'hard_findings', coalesce(sum(quality_count(l.quality, 'hard_findings')), 0) + (
            SELECT count(*) FROM courses c, jsonb_path_query(c.outline_findings, '$[*].severity') AS severity
            WHERE c.id = course AND severity = '"hard"'),
        'soft_findings', coalesce(sum(quality_count(l.quality, 'soft_findings')), 0) + (
            SELECT count(*) FROM courses c, jsonb_path_query(c.outline_findings, '$[*].severity') AS severity
            WHERE c.id = course AND severity = '"soft"')
    )
    FROM lessons l WHERE l.course_id = course
$$;

CREATE OR REPLACE VIEW public.v_course_quality AS
SELECT c.id AS course_id, c.slug, c.title, c.grade_level, c.language, c.generated_at,
       public.quality_count(c.quality, 'lessons_with_sources') AS lessons_with_sources,
       public.quality_count(c.quality, 'lessons_without_sources') AS lessons_without_sources,
       public.quality_count(c.quality, 'citations') AS citations,
       public.quality_count(c.quality, 'citations_removed') AS citations_removed,
       public.quality_figure(c.quality, 'citation_precision') AS citation_precision,
       public.quality_figure(c.quality, 'citation_coverage') AS citation_coverage,
       public.quality_figure(c.quality, 'reading_grade') AS reading_grade,
       public.quality_figure(c.quality, 'hardest_reading_grade') AS hardest_reading_grade,
       public.quality_count(c.quality, 'checks') AS checks,
       public.quality_count(c.quality, 'valid_keys') AS valid_keys,
       public.quality_count(c.quality, 'hard_findings') AS hard_findings,
       public.quality_count(c.quality, 'soft_findings') AS soft_findings
FROM public.courses c
WHERE c.status = 'READY';

-- Courses that cite a document which has changed since, or is gone from the library: a row for each document and reason.
-- Texts are compared without spaces: where a document is divided into passages, none of these has the one between them.
CREATE OR REPLACE VIEW public.v_stale_courses AS
SELECT s.course_id, s.slug, s.title, s.generated_at, s.document, r.lessons, r.reason, s.changed_at
FROM (
    SELECT c.id AS course_id, c.slug, c.title, c.generated_at, k.document, d.id AS document_id, d.changed_at,
           array_agg(l.lesson_number) AS numbers, array_agg(k.quote) AS quotes
    FROM public.lesson_citations k
    JOIN public.lessons l ON l.id = k.lesson_id
    JOIN public.courses c ON c.id = l.course_id
    LEFT JOIN public.source_documents d ON d.path = k.document
    WHERE c.status = 'READY' AND k.document_version IS NOT NULL AND k.document_version IS DISTINCT FROM d.sha256
    GROUP BY c.id, k.document, d.id
) s
CROSS JOIN LATERAL (
    SELECT translate(string_agg(p.text, '' ORDER BY p.position), E' \n\t\u00A0\u3000', '') AS text
    FROM public.source_passages p WHERE p.document_id = s.document_id
) d
CROSS JOIN LATERAL (
    SELECT q.reason, array_agg(DISTINCT q.number ORDER BY q.number) AS lessons
    FROM (
        SELECT c.number,
               CASE WHEN s.document_id IS NULL THEN 'removed'
                    WHEN position(translate(c.quote, E' \n\t\u00A0\u3000', '') IN d.text) > 0 THEN 'changed'
                    ELSE 'quote gone' END AS reason
        FROM unnest(s.numbers, s.quotes) AS c (number, quote)
    ) q
    GROUP BY q.reason
) r;
COMMENT ON COLUMN public.v_stale_courses.reason IS 'removed: the document is not there; quote gone: it no longer says what these lessons quote; changed: it still does';
