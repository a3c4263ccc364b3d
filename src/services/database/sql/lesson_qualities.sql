-- Returns what is on record of each lesson's quality, with the documents that it cites and that have changed since.
SELECT l.lesson_number, l.title, l.quality, l.written_by, l.prompt_version,
       ARRAY(SELECT s.document || ' (' || string_agg(s.reason, ', ' ORDER BY s.reason) || ')' FROM public.v_stale_courses s
             WHERE s.course_id = l.course_id AND l.lesson_number = ANY (s.lessons) GROUP BY s.document ORDER BY 1) AS stale
FROM public.lessons l
WHERE l.course_id = :course_id
ORDER BY l.lesson_number
