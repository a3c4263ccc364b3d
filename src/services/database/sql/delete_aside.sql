DELETE FROM public.requests_set_aside WHERE id = :id
