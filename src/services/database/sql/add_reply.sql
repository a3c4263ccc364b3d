INSERT INTO public.course_replies (course_id, reply_to, correlation_id)
VALUES (:course_id, :reply_to, :correlation_id)
ON CONFLICT DO NOTHING
