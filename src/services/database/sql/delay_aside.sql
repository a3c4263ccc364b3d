-- Puts off all that a user has there: if one request waits for a lock, so do the others.
UPDATE public.requests_set_aside SET run_after = now() + make_interval(secs => :delay) WHERE user_id = :user_id
