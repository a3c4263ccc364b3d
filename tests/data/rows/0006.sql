-- Rows as they come about at revision 0006, where the message_id of a success follows from the course.

INSERT INTO courses (id, user_id, title, topic, grade_level, request_id)
VALUES ('00000006-0000-4000-8000-000000000001', '00000006-0000-4000-8000-00000000000a', 'Cells', 'Cells', 'Grade 8', 'r-1');
UPDATE generation_queue
SET attempt = 1, lease_id = gen_random_uuid(), lease_owner = '00000003-0000-4000-8000-00000000000c', leased_at = now()
WHERE course_id = '00000006-0000-4000-8000-000000000001';
UPDATE courses SET status = 'GENERATING', attempts = 1 WHERE id = '00000006-0000-4000-8000-000000000001';
UPDATE courses SET status = 'READY' WHERE id = '00000006-0000-4000-8000-000000000001';
