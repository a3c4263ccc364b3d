SELECT kind, reason FROM public.model_stops WHERE server = :server
