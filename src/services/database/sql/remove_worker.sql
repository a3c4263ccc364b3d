DELETE FROM public.workers WHERE id = :worker_id AND token = ANY (CAST(:tokens AS uuid[]))
