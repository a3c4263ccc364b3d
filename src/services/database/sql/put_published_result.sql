-- Keeps the result as it was published, so that it can be repeated for a repeated request.
INSERT INTO public.outbox (course_id, destination, message_id, correlation_id, type, body, published_at)
VALUES (:course_id, 'status', :message_id, :correlation_id, :type, :body, :published_at)
