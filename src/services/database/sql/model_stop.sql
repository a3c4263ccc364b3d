SELECT kind, reason, since FROM public.model_stops WHERE server = :server
