-- The model has answered the course that was watched: nothing is wrong with it.
UPDATE public.generation_queue SET refusal = NULL, refused_by = NULL WHERE course_id = :course_id AND refusal IS NOT NULL
