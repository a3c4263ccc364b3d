UPDATE public.requests_set_aside SET run_after = now() + make_interval(secs => :delay) WHERE id = :id
