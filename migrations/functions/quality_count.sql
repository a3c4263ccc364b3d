-- Returns a figure of a `quality` as an INT; NULL if it is no number that fits.
CREATE OR REPLACE FUNCTION public.quality_count(quality JSONB, name TEXT) RETURNS INT
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN public.quality_figure(quality, name) OPERATOR(pg_catalog.>=) (-2147483648)::pg_catalog.numeric
                    AND public.quality_figure(quality, name) OPERATOR(pg_catalog.<=) 2147483647::pg_catalog.numeric
                THEN public.quality_figure(quality, name)::pg_catalog.int4 END
$$;
