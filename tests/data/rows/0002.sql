-- Rows as a program writes them at revision 0002.

INSERT INTO courses (id, user_id, title, topic, grade_level, total_lessons, outline_json, status, error_message,
                     error_code, request_id, request, request_hash, body_hash, language, attempts, sources, output_path,
                     mirrored_at, usage, quality, generated_at)
VALUES
    ('00000002-0000-4000-8000-000000000001', '00000002-0000-4000-8000-00000000000a', 'कोशिका', 'Cells', 'Grade 8', 1,
     '{"title": "कोशिका", "lessons": []}', 'READY', NULL, NULL, 'r-1', '{"topic": "Cells", "priority": 7}', repeat('a', 64),
     repeat('b', 64), 'hi', 1, ARRAY['biology/cells.md'], 'courses/cells-00000002', '2025-02-01 10:01+00',
     '{"calls": 2, "cost": null}', '{"citations": 3}', '2025-02-01 10:00+00'),
    ('00000002-0000-4000-8000-000000000002', '00000002-0000-4000-8000-00000000000a', 'Stars', 'Stars', 'Grade 8', 1,
     NULL, 'FAILED', 'Nothing found', 'no_sources', 'r-2', '{"topic": "Stars"}', repeat('c', 64), NULL, 'en', 2, NULL, NULL,
     NULL, '{"calls": 1}', NULL, NULL);

INSERT INTO lessons (course_id, lesson_number, title) VALUES ('00000002-0000-4000-8000-000000000001', 1, 'कोशिका भित्ति');
INSERT INTO lesson_bodies (lesson_id, content_md)
SELECT id, 'Text' FROM lessons WHERE course_id = '00000002-0000-4000-8000-000000000001';
