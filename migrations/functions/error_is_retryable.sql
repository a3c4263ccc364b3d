-- Says whether the same request may succeed if it is tried again with nothing changed. ErrorCode.retryable in src says
-- the same; a test compares the two.
CREATE OR REPLACE FUNCTION public.error_is_retryable(code TEXT) RETURNS BOOLEAN
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT code IN ('model_unavailable', 'model_output_invalid', 'attempts_exhausted', 'limit_exceeded', 'internal')
$$;
