-- Counts what the model calls of a course took. The worker counts the same for courses that it writes with files only;
-- a test compares the two. There is a cost only if each call that took tokens has one, as the cost of some calls alone
-- would look too small.
CREATE OR REPLACE FUNCTION public.course_usage(course UUID) RETURNS JSONB
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
        'calls', count(*),
        'input_tokens', coalesce(sum(input_tokens), 0),
        'cached_tokens', coalesce(sum(cached_tokens), 0),
        'output_tokens', coalesce(sum(output_tokens), 0),
        'cost', CASE WHEN NOT bool_or(cost IS NULL AND input_tokens + output_tokens > 0) THEN sum(cost) END
    )
    FROM public.model_calls
    WHERE course_id = course
$$;
