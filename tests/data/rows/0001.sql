-- Rows as a program writes them at revision 0001: a course in each state, one of them whole.

INSERT INTO courses (id, user_id, title, topic, grade_level, source_filter, total_lessons, outline_json, status,
                     error_message, generated_at, created_at, updated_at)
VALUES
    ('00000001-0000-4000-8000-000000000001', '00000001-0000-4000-8000-00000000000a', 'Zellen & Gewebe', 'Cells', 'Grade 8',
     'biology/', 2, '{"title": "Zellen & Gewebe", "lessons": []}', 'READY', NULL, '2025-01-01 10:00+00',
     '2025-01-01 09:00+00', '2025-01-01 10:00+00'),
    ('00000001-0000-4000-8000-000000000002', '00000001-0000-4000-8000-00000000000a', '!!!', 'Stars', 'Grade 5',
     NULL, 0, NULL, 'QUEUED', NULL, NULL, '2025-01-02 09:00+00', '2025-01-02 09:00+00'),
    ('00000001-0000-4000-8000-000000000003', '00000001-0000-4000-8000-00000000000b', 'Rocks', 'Rocks', 'Grade 8',
     NULL, 1, NULL, 'GENERATING', NULL, NULL, '2025-01-03 09:00+00', '2025-01-03 09:00+00'),
    ('00000001-0000-4000-8000-000000000004', '00000001-0000-4000-8000-00000000000b', 'Rivers', 'Rivers', 'Grade 8',
     NULL, 1, NULL, 'FAILED', 'OpenAI timed out', NULL, '2025-01-04 09:00+00', '2025-01-04 09:30+00');

INSERT INTO lessons (id, course_id, lesson_number, title, description, key_concepts, learning_objectives, sources,
                     generated_at, created_at, updated_at)
SELECT ('00000001-0000-4000-8000-0000000000' || n || '0')::uuid, '00000001-0000-4000-8000-000000000001', n, 'Lesson ' || n,
       'About cells', ARRAY['cell', 'wall'], ARRAY['Describe a cell'], ARRAY['biology/cells.md'],
       '2025-01-01 10:00+00', '2025-01-01 09:30+00', '2025-01-01 10:00+00'
FROM generate_series(1, 2) n;

INSERT INTO lesson_bodies (lesson_id, content_md, content_json, updated_at)
SELECT id, '# ' || title, jsonb_build_object('lesson_number', lesson_number, 'sections', '[]'::jsonb), updated_at FROM lessons;

INSERT INTO lesson_checks (id, lesson_id, q_order, question, answer, created_at)
SELECT overlay(id::text PLACING '0000000c' FROM 1)::uuid, id, 1, 'What is a cell?', 'A small part of us', created_at
FROM lessons;
