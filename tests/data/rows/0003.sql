-- Rows as a worker writes them at revision 0003: one course under way, one in line.

INSERT INTO workers (id, host, pid, version, slots, lease)
VALUES ('00000003-0000-4000-8000-00000000000c', 'host', 4711, '0.9', 10, '30 s');

INSERT INTO courses (id, user_id, title, topic, grade_level, total_lessons, status, request, attempts)
VALUES
    ('00000003-0000-4000-8000-000000000001', '00000003-0000-4000-8000-00000000000a', 'Cells', 'Cells', 'Grade 8', 2,
     'GENERATING', '{"priority": 9}', 1),
    ('00000003-0000-4000-8000-000000000002', '00000003-0000-4000-8000-00000000000a', 'Stars', 'Stars', 'Grade 8', 2,
     'QUEUED', '{}', 0);
SELECT enqueue_course(c) FROM courses c WHERE id::text LIKE '00000003-%' ORDER BY id;

UPDATE generation_queue
SET attempt = 1, lease_id = gen_random_uuid(), lease_owner = '00000003-0000-4000-8000-00000000000c', leased_at = now()
WHERE course_id = '00000003-0000-4000-8000-000000000001';
UPDATE generation_queue SET run_after = 'infinity', postponements = 2, postponed_since = now()
WHERE course_id = '00000003-0000-4000-8000-000000000002';

INSERT INTO course_events (course_id, from_status, to_status, attempt, worker, reason)
SELECT course_id, 'QUEUED', 'GENERATING', attempt, lease_owner, 'claimed' FROM generation_queue WHERE lease_id IS NOT NULL;

INSERT INTO model_calls (id, course_id, attempt, purpose, lesson_number, model, input_tokens, cached_tokens, output_tokens,
                         cost, seconds, outcome)
SELECT gen_random_uuid(), course_id, 1, purpose, number, 'a model', 100, 40, 20, 0.001, 1.5, 'ok'
FROM generation_queue, (VALUES ('outline', NULL), ('lesson', 1)) AS call (purpose, number) WHERE lease_id IS NOT NULL;
