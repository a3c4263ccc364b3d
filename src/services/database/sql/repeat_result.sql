-- Sends the stored result again, with the message_id that it had.
SELECT public.repeat_result(CAST(:course_id AS uuid), CAST(:reply_to AS text), CAST(:correlation_id AS text))
