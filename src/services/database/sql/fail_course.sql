-- Makes a course FAILED. The trigger removes the queue row and puts the error into the outbox.
UPDATE public.courses SET status = 'FAILED', error_code = :error_code, error_message = :error_message
WHERE id = :course_id
