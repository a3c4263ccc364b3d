-- Inserts the course of a request; the trigger makes its queue row. Returns no row if the user has sent this request_id
-- before.
INSERT INTO public.courses (id, user_id, title, topic, grade_level, source_filter, total_lessons, language,
                     request_id, request, request_hash, body_hash)
VALUES (:course_id, :user_id, :topic, :topic, :grade_level, :source_filter, :total_lessons, :language,
        :request_id, CAST(:request AS jsonb), :request_hash, :body_hash)
ON CONFLICT DO NOTHING
RETURNING id
