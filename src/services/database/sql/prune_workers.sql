-- Deletes the rows of processes that were killed. They have no courses any more, as those were rescued long before.
DELETE FROM public.workers w
WHERE w.last_seen_at < now() - interval '1 hour' - w.lease
  AND NOT EXISTS (SELECT FROM public.generation_queue q WHERE q.lease_owner = w.id)
