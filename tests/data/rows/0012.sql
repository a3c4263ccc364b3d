-- Rows as workers of 1.0.0 write them: a request that was set aside, as somebody had locked what it needs.

INSERT INTO requests_set_aside (user_id, delivery_id, body, redelivered, run_after)
VALUES ('11111111-1111-1111-1111-111111111111', '22222222-2222-2222-2222-222222222222', '{}', false, now());
