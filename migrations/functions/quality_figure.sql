-- A figure of a `quality`, which other programs may write too; NULL where it is none, so that one row breaks no view.
CREATE OR REPLACE FUNCTION public.quality_figure(quality JSONB, name TEXT) RETURNS NUMERIC
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN pg_catalog.jsonb_typeof(quality -> name) = 'number' THEN (quality ->> name)::numeric END
$$;
