-- Back to random ids for every message.

CREATE OR REPLACE FUNCTION public.put_status(c public.courses, hold INTERVAL DEFAULT '0') RETURNS VOID
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    message JSON := status_message(c);
    encoded BYTEA := convert_to(message::text, 'UTF8');
    kind TEXT := 'course.' || (message ->> 'status');
    sent_as UUID;
BEGIN
    INSERT INTO outbox (course_id, destination, correlation_id, type, body, publish_after)
    VALUES (c.id, 'status', c.request_id, kind, encoded, now() + hold)
    RETURNING message_id INTO sent_as;
    IF c.status IN ('READY', 'FAILED') THEN
        INSERT INTO outbox (course_id, destination, routing_key, message_id, correlation_id, type, body, publish_after)
        SELECT c.id, 'reply', reply_to, sent_as, correlation_id, kind, encoded, now() + hold
        FROM course_replies WHERE course_id = c.id;
    END IF;
END
$$;
