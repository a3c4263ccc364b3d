-- The stored result goes out again, with the message_id it had.
SELECT repeat_result(:course_id, :reply_to, :correlation_id)
