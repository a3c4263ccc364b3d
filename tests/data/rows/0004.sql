-- Rows as a worker writes them at revision 0004: a message for each destination, and who else wants a result.

INSERT INTO course_replies (course_id, reply_to, correlation_id)
VALUES ('00000002-0000-4000-8000-000000000001', 'amq.gen-reply', 'mine'),
       ('00000003-0000-4000-8000-000000000001', 'amq.gen-other', NULL);

SELECT put_status(c) FROM courses c WHERE id::text LIKE '00000002-%' ORDER BY id;

INSERT INTO outbox (destination, correlation_id, type, headers, body, published_at)
VALUES ('dead', 'r-9', 'course.rejected', '{"x-error-code": "invalid_request"}', '\x00ff', now());
UPDATE outbox SET claimed_by = '00000003-0000-4000-8000-00000000000c', claimed_until = now(), failures = 1, last_error = 'refused'
WHERE destination = 'reply';
