-- One lesson, whole. A unit of work that is repeated after a lost confirmation finds it there and changes nothing.
WITH lesson AS (
    INSERT INTO lessons (id, course_id, lesson_number, title, description, key_concepts, learning_objectives,
                         sources, generated_at)
    VALUES (:lesson_id, :course_id, :lesson_number, :title, :description, CAST(:key_concepts AS text[]),
            CAST(:learning_objectives AS text[]), CAST(:sources AS text[]), coalesce(CAST(:generated_at AS timestamptz), now()))
    ON CONFLICT DO NOTHING
    RETURNING id
), body AS (
    INSERT INTO lesson_bodies (lesson_id, content_md, content_json)
    SELECT id, :content_md, CAST(:content_json AS jsonb) FROM lesson
)
INSERT INTO lesson_checks (lesson_id, q_order, question, answer)
SELECT lesson.id, checks.q_order, checks.question, checks.answer
FROM lesson, jsonb_to_recordset(CAST(:checks AS jsonb)) AS checks (q_order int, question text, answer text)
