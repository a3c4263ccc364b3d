-- Sends the stored result again, with the message_id that it had.
SELECT repeat_result(:course_id, :reply_to, :correlation_id)
