-- Puts the message for the status of `c` into the outbox; a final one also for everyone who asked for a reply. The
-- message_id of a success follows from the course. If the course was also written with files only, while the database
-- was away, both messages have the same id, and whoever has seen the one drops the other.
CREATE OR REPLACE FUNCTION public.put_status(c public.courses, hold INTERVAL DEFAULT '0') RETURNS VOID
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    message JSON := public.status_message(c);
    encoded BYTEA := convert_to(message::text, 'UTF8');
    kind TEXT := 'course.' || (message ->> 'status');
    sent_as UUID := CASE
        WHEN c.status = 'READY'
        THEN encode(substr(sha256(uuid_send(c.id) || convert_to(kind, 'UTF8')), 1, 16), 'hex')::UUID
        ELSE gen_random_uuid()
    END;
BEGIN
    INSERT INTO public.outbox (course_id, destination, message_id, correlation_id, type, body, publish_after)
    VALUES (c.id, 'status', sent_as, c.request_id, kind, encoded, now() + hold);
    IF c.status IN ('READY', 'FAILED') THEN
        INSERT INTO public.outbox (course_id, destination, routing_key, message_id, correlation_id, type, body, publish_after)
        SELECT c.id, 'reply', reply_to, sent_as, correlation_id, kind, encoded, now() + hold
        FROM public.course_replies WHERE course_id = c.id;
    END IF;
END
$$;

-- Only triggers and repeat_result call it.
REVOKE EXECUTE ON FUNCTION public.put_status(public.courses, interval) FROM PUBLIC;
