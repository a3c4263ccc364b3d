DELETE FROM public.workers WHERE id = :worker_id
