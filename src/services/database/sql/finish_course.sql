-- Makes a course READY, if every lesson of its outline is there. The trigger removes the queue row and puts the result
-- into the outbox.
UPDATE public.courses c
SET status = 'READY',
    total_lessons = jsonb_array_length(c.outline_json -> 'lessons'),
    generated_at = now(),
    -- In one case of four thousand million another course has the short folder name; then the long one is taken.
    output_path = CASE
        WHEN EXISTS (SELECT FROM public.courses other WHERE other.output_path = :output_path AND other.id <> c.id)
        THEN :long_output_path ELSE :output_path
    END,
    sources = ARRAY(
        SELECT source
        FROM public.lessons l, unnest(l.sources) WITH ORDINALITY AS named (source, position)
        WHERE l.course_id = c.id
        GROUP BY source
        ORDER BY min(l.lesson_number * 1000000 + position)
    ),
    quality = public.course_quality(c.id)
WHERE c.id = :course_id
  AND (SELECT count(*) FROM public.lessons l WHERE l.course_id = c.id) = jsonb_array_length(c.outline_json -> 'lessons')
