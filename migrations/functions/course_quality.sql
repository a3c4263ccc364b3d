-- Computes the quality figures of a course from its lessons. The worker computes the same for courses that it writes
-- with files only; a test compares the two.
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
