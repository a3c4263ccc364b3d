-- Sends the stored result of a course that is READY or FAILED once more, with the message_id that it had.
-- If `reply_to` is given, that queue gets it too. Returns FALSE if the course is open: its result is still to come.
CREATE OR REPLACE FUNCTION public.repeat_result(course UUID, reply_to TEXT DEFAULT NULL, correlation TEXT DEFAULT NULL)
RETURNS BOOLEAN
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c public.courses;
    result public.outbox;
BEGIN
    -- The lock makes this wait for a worker that is finishing the course right now.
    SELECT * INTO c FROM public.courses WHERE id = course FOR NO KEY UPDATE;
    IF NOT FOUND OR c.status NOT IN ('READY', 'FAILED') THEN
        RETURN FALSE;
    END IF;
    SELECT * INTO result FROM public.outbox o
    WHERE o.course_id = course AND o.destination = 'status' AND o.type IN ('course.success', 'course.error')
    ORDER BY o.id DESC LIMIT 1;
    IF NOT FOUND THEN  -- an import, or a course of another program
        PERFORM public.put_status(c, INTERVAL '0');
        SELECT * INTO result FROM public.outbox o WHERE o.course_id = course AND o.destination = 'status' ORDER BY o.id DESC LIMIT 1;
    ELSIF result.published_at IS NOT NULL OR result.dead_at IS NOT NULL THEN
        UPDATE public.outbox SET published_at = NULL, dead_at = NULL, claimed_until = NULL, publish_after = now(), failures = 0,
            last_error = NULL
        WHERE id = result.id;
    ELSIF result.claimed_until > now() THEN
        -- A relay has it, and may have sent it before this repeat was asked for, without having marked it yet.
        INSERT INTO public.outbox (course_id, destination, message_id, correlation_id, type, body)
        VALUES (course, 'status', result.message_id, result.correlation_id, result.type, result.body);
    END IF;
    IF reply_to IS NOT NULL THEN
        INSERT INTO public.outbox (course_id, destination, routing_key, message_id, correlation_id, type, body, publish_after)
        VALUES (course, 'reply', reply_to, result.message_id, correlation, result.type, result.body,
                greatest(result.publish_after, now()));
    END IF;
    RETURN TRUE;
END
$$;

-- It writes: workers and operators get it by a grant.
REVOKE EXECUTE ON FUNCTION public.repeat_result(uuid, text, text) FROM PUBLIC;
