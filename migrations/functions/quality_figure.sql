-- Returns a figure of a `quality`; NULL if it is no number. Other programs may write a `quality` too, and one bad row
-- must break no view.
CREATE OR REPLACE FUNCTION public.quality_figure(quality JSONB, name TEXT) RETURNS NUMERIC
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN pg_catalog.jsonb_typeof(quality -> name) = 'number' THEN (quality ->> name)::numeric END
$$;
