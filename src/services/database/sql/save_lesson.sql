-- Saves a whole lesson from one JSON record. The program puts the names of `LESSON_COLUMNS` in for {lesson_columns}, so
-- a new column needs nothing here, and a column that only a newer program knows gets its default.
-- A unit of work that is repeated after a lost confirmation finds the lesson's id there and changes nothing.
WITH given AS (
    SELECT jsonb_build_object('generated_at', now()) || CAST(:lesson AS jsonb) AS record
), lesson AS (
    INSERT INTO public.lessons (id, course_id, {lesson_columns})
    SELECT id, course_id, {lesson_columns} FROM given, jsonb_populate_record(NULL::public.lessons, given.record)
    ON CONFLICT (id) DO NOTHING
    RETURNING id
), body AS (
    INSERT INTO public.lesson_bodies (lesson_id, content_md, content_json)
    SELECT lesson.id, given.record ->> 'content_md', given.record -> 'content_json' FROM lesson, given
), citations AS (
    INSERT INTO public.lesson_citations (lesson_id, number, document, section, start_offset, end_offset, quote, score,
                                         document_version)
    SELECT lesson.id, c.number, c.document, c.section, c.start, c."end", c.quote, c.score, c.version
    FROM lesson, given, jsonb_to_recordset(given.record -> 'references') AS c (
        number int, document text, section text, start int, "end" int, quote text, score real, version text)
)
INSERT INTO public.lesson_checks (lesson_id, q_order, question, answer, kind, choices, key, explanation, evidence,
                                  objective, citation)
SELECT lesson.id, k.q_order, k.question, k.answer, k.kind, k.choices, k.key, k.explanation, k.evidence, k.objective,
       k.citation
FROM lesson, given, jsonb_populate_recordset(NULL::public.lesson_checks, given.record -> 'checks') AS k
