-- Returns the lessons of a course with their bodies, in order. A new column needs nothing here.
SELECT l.*, b.content_md, b.content_json
FROM public.lessons l
LEFT JOIN public.lesson_bodies b ON b.lesson_id = l.id
WHERE l.course_id = :course_id
ORDER BY l.lesson_number
