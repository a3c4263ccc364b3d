-- Rows as they come about at revision 0005, where courses.status controls the rest: failed and retried, and finished.

INSERT INTO courses (id, user_id, title, topic, grade_level, request_id)
VALUES ('00000005-0000-4000-8000-000000000001', '00000005-0000-4000-8000-00000000000a', 'Cells', 'Cells', 'Grade 8', 'r-1'),
       ('00000005-0000-4000-8000-000000000002', '00000005-0000-4000-8000-00000000000b', 'Stars', 'Stars', 'Grade 8', 'r-1');
UPDATE courses SET status = 'FAILED' WHERE id = '00000005-0000-4000-8000-000000000001';
UPDATE courses SET status = 'QUEUED' WHERE id = '00000005-0000-4000-8000-000000000001';

UPDATE generation_queue
SET attempt = 1, lease_id = gen_random_uuid(), lease_owner = '00000003-0000-4000-8000-00000000000c', leased_at = now()
WHERE course_id = '00000005-0000-4000-8000-000000000002';
UPDATE courses SET status = 'GENERATING', attempts = 1 WHERE id = '00000005-0000-4000-8000-000000000002';
UPDATE courses SET status = 'READY', output_path = 'courses/stars-00000005' WHERE id = '00000005-0000-4000-8000-000000000002';
