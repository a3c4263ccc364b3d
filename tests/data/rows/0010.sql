-- Rows as a worker writes them at revision 0010: a course with its figures, verified citations, and checks with keys.

INSERT INTO courses (id, user_id, title, topic, grade_level, request_id, outline_findings)
VALUES ('00000010-0000-4000-8000-000000000001', '00000010-0000-4000-8000-00000000000a', 'Cells', 'Cells', 'Grade 8', 'r-1',
        '[{"gate": "alike_titles", "severity": "soft", "where": "lessons.2.title", "message": "Both say the same."}]');
INSERT INTO lessons (id, course_id, lesson_number, title, sources, quality, written_by, prompt_version, prompt_digest)
VALUES ('00000010-0000-4000-8000-000000000010', '00000010-0000-4000-8000-000000000001', 1, 'Cells', ARRAY['biology/cells.md'],
        '{"citations": 1, "citations_verified": 1, "reading_grade": 7.5, "checks": 3, "valid_keys": 3, "hard_findings": 0}',
        'a model', 3, repeat('e', 64));
INSERT INTO lesson_checks (lesson_id, q_order, question, answer, kind, choices, key, explanation, evidence, objective, citation)
VALUES
    ('00000010-0000-4000-8000-000000000010', 1, 'What are cells?', 'parts', 'multiple_choice', ARRAY['rocks', 'parts', 'stars'],
     2, 'They are parts.', 'Cells are small parts.', 1, 1),
    ('00000010-0000-4000-8000-000000000010', 2, 'Are cells small?', 'true', 'true_false', ARRAY['true', 'false'], 1, NULL, NULL,
     1, NULL),
    ('00000010-0000-4000-8000-000000000010', 3, 'Name one.', 'A nerve cell', 'short_answer', NULL, NULL, NULL, NULL, 1, NULL);
INSERT INTO lesson_citations (lesson_id, number, document, section, start_offset, end_offset, quote, score, document_version)
VALUES ('00000010-0000-4000-8000-000000000010', 1, 'biology/cells.md', 'Cells', 0, 21, 'Cells are small parts', 100, repeat('d', 64));

UPDATE generation_queue
SET attempt = 1, lease_id = gen_random_uuid(), lease_owner = '00000008-0000-4000-8000-00000000000c', leased_at = now()
WHERE course_id = '00000010-0000-4000-8000-000000000001';
UPDATE courses SET status = 'GENERATING', attempts = 1 WHERE id = '00000010-0000-4000-8000-000000000001';
UPDATE courses SET status = 'READY', quality = course_quality(id) WHERE id = '00000010-0000-4000-8000-000000000001';
