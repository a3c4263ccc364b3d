-- Returns the message for the status that `c` has now, as docs/contract/status.schema.json describes it. Nothing else
-- in SQL composes one. The worker composes the same for courses that it writes with files only; a test compares the
-- two.
CREATE OR REPLACE FUNCTION public.status_message(c public.courses) RETURNS JSON
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stamp CONSTANT TEXT := to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"');
BEGIN
    CASE c.status
        WHEN 'GENERATING' THEN
            RETURN json_build_object(
                'request_id', c.request_id, 'user_id', c.user_id, 'status', 'processing', 'course_id', c.id,
                'message', format('Generating course for ''%s''', c.topic), 'timestamp', stamp);
        WHEN 'READY' THEN
            RETURN json_build_object(
                'request_id', c.request_id, 'user_id', c.user_id, 'status', 'success', 'course_id', c.id,
                'course_title', c.title, 'total_lessons', c.total_lessons,
                'message', 'Course generated successfully', 'output_path', c.output_path, 'stored_in', 'database',
                'usage', coalesce(c.usage, '{}'), 'quality', coalesce(c.quality, '{}'), 'timestamp', stamp);
        WHEN 'FAILED' THEN
            RETURN json_build_object(
                'request_id', c.request_id, 'user_id', c.user_id, 'status', 'error', 'course_id', c.id,
                'error_code', coalesce(c.error_code, 'internal'),
                'retryable', public.error_is_retryable(coalesce(c.error_code, 'internal')),
                'message', left(coalesce(c.error_message, ''), 10000), 'timestamp', stamp);
    END CASE;
END
$$;
