-- Returns a figure of a `quality` as an INT; NULL if it is no number that fits.
CREATE OR REPLACE FUNCTION public.quality_count(quality JSONB, name TEXT) RETURNS INT
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN public.quality_figure(quality, name) BETWEEN -2147483648 AND 2147483647
                THEN public.quality_figure(quality, name)::int END
$$;
