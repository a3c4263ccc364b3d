-- Returns a figure of a `quality`; NULL if it is no number. Other programs may write a `quality` too, and one bad row
-- must break no view.
CREATE OR REPLACE FUNCTION public.quality_figure(quality JSONB, name TEXT) RETURNS NUMERIC
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN pg_catalog.jsonb_typeof(quality OPERATOR(pg_catalog.->) name) OPERATOR(pg_catalog.=) 'number'::pg_catalog.text
                THEN (quality OPERATOR(pg_catalog.->>) name)::pg_catalog.numeric END
$$;
