-- Deletes old messages that were published, and those that were given up long ago. Results stay with their course
-- (see the index outbox_prunable, whose condition this repeats).
DELETE FROM public.outbox
WHERE (published_at < now() - make_interval(secs => :keep) OR dead_at < now() - make_interval(secs => :keep))
  AND NOT (destination = 'status' AND type IN ('course.success', 'course.error') AND course_id IS NOT NULL)
