DROP FUNCTION IF EXISTS public.repeat_result(UUID, TEXT, TEXT);
DROP FUNCTION IF EXISTS public.put_status(public.courses, INTERVAL);
DROP FUNCTION IF EXISTS public.status_message(public.courses);
DROP FUNCTION IF EXISTS public.error_is_retryable(TEXT);
DROP TABLE IF EXISTS public.course_replies, public.outbox;
