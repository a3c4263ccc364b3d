-- Lets a result be published: its files are written, or failed once, so it needn't wait for them any longer.
UPDATE public.outbox SET publish_after = now()
WHERE course_id = :course_id AND type = 'course.success' AND published_at IS NULL AND publish_after > now()
