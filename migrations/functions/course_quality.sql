-- Computes the quality figures of a course from its lessons and model calls. The worker computes the same for courses
-- that it writes with files only; a test compares the two.
CREATE OR REPLACE FUNCTION public.course_quality(course UUID) RETURNS JSONB
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
        'lessons_with_sources', count(*) FILTER (WHERE cardinality(l.sources) > 0),
        'lessons_without_sources', count(*) FILTER (WHERE coalesce(cardinality(l.sources), 0) = 0),
        'citations', coalesce(sum(public.quality_count(l.quality, 'citations'::text)), 0),
        'citations_removed', coalesce(sum(public.quality_count(l.quality, 'citations_removed'::text)), 0),
        'citation_precision', trim_scale(round(sum(public.quality_figure(l.quality, 'citations_verified'::text))
                                               / nullif(sum(public.quality_figure(l.quality, 'citations'::text)), 0), 3)),
        'citation_coverage', trim_scale(round(sum(public.quality_figure(l.quality, 'cited_sentences'::text))
                                              / nullif(sum(public.quality_figure(l.quality, 'factual_sentences'::text)), 0), 3)),
        'reading_grade', trim_scale(round(avg(public.quality_figure(l.quality, 'reading_grade'::text)), 1)),
        'hardest_reading_grade', max(public.quality_figure(l.quality, 'reading_grade'::text)),
        'checks', (SELECT count(*) FROM public.lesson_checks k JOIN public.lessons kl ON kl.id = k.lesson_id
                   WHERE kl.course_id = course),
        'valid_keys', coalesce(sum(public.quality_count(l.quality, 'valid_keys'::text)), 0),
        'hard_findings', coalesce(sum(public.quality_count(l.quality, 'hard_findings'::text)), 0) + (
            SELECT count(*) FROM public.courses c, jsonb_path_query(c.outline_findings, '$[*].severity') AS severity
            WHERE c.id = course AND severity = '"hard"'),
        'soft_findings', coalesce(sum(public.quality_count(l.quality, 'soft_findings'::text)), 0) + (
            SELECT count(*) FROM public.courses c, jsonb_path_query(c.outline_findings, '$[*].severity') AS severity
            WHERE c.id = course AND severity = '"soft"'),
        'tokens', (SELECT coalesce(sum(m.input_tokens::bigint + m.output_tokens), 0)
                   FROM public.model_calls m WHERE m.course_id = course),
        'repair_tokens', (SELECT coalesce(sum(m.input_tokens::bigint + m.output_tokens), 0)
                          FROM public.model_calls m WHERE m.course_id = course AND m.repair),
        'checked_by_rules', jsonb_build_array('quotations', 'numbers_and_names', 'answer_keys', 'language', 'form'),
        'not_checked', jsonb_build_array('meaning_of_citations', 'truth_without_sources')
    )
    FROM public.lessons l WHERE l.course_id = course
$$;
