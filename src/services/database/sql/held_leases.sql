SELECT lease_id FROM public.generation_queue WHERE lease_owner = :worker_id AND lease_id IS NOT NULL
