-- One lesson, whole. A unit of work that is repeated after a lost confirmation finds it there and changes nothing.
WITH lesson AS (
    INSERT INTO lessons (id, course_id, lesson_number, title, description, key_concepts, learning_objectives,
                         sources, generated_at, quality, written_by, prompt_version, prompt_digest)
    VALUES (:lesson_id, :course_id, :lesson_number, :title, :description, CAST(:key_concepts AS text[]),
            CAST(:learning_objectives AS text[]), CAST(:sources AS text[]),
            coalesce(CAST(:generated_at AS timestamptz), now()), CAST(:quality AS jsonb), :written_by,
            :prompt_version, :prompt_digest)
    ON CONFLICT DO NOTHING
    RETURNING id
), body AS (
    INSERT INTO lesson_bodies (lesson_id, content_md, content_json)
    SELECT id, :content_md, CAST(:content_json AS jsonb) FROM lesson
), citations AS (
    INSERT INTO lesson_citations (lesson_id, number, document, section, start_offset, end_offset, quote, score,
                                  document_version)
    SELECT lesson.id, cited.number, cited.document, cited.section, cited.start, cited."end", cited.quote, cited.score,
           cited.version
    FROM lesson, jsonb_to_recordset(CAST(:references AS jsonb)) AS cited (
        number int, document text, section text, start int, "end" int, quote text, score real, version text)
)
INSERT INTO lesson_checks (lesson_id, q_order, question, answer, kind, choices, key, explanation, evidence, objective,
                           citation)
SELECT lesson.id, q_order, question, answer, kind,
       CASE WHEN jsonb_typeof(choices) = 'array' THEN ARRAY(SELECT jsonb_array_elements_text(choices)) END,
       key, explanation, evidence, objective, citation
FROM lesson, jsonb_to_recordset(CAST(:checks AS jsonb)) AS checks (
    q_order int, question text, answer text, kind text, choices jsonb, key int, explanation text, evidence text,
    objective int, citation int)
