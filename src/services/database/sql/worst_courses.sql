-- Returns finished courses, those that most deserve a look first. Courses of other programs, which nobody measured,
-- come last.
SELECT course_id, title, citations_removed, citation_coverage, hardest_reading_grade, checks, valid_keys, hard_findings,
       soft_findings, lessons_without_sources, count(*) OVER () AS finished
FROM public.v_course_quality
ORDER BY hard_findings DESC NULLS LAST, soft_findings DESC NULLS LAST, citation_coverage NULLS LAST,
         generated_at DESC NULLS LAST, course_id
LIMIT :limit
