-- Fills `courses.slug`. A slug that was given stays, and that of a finished course never changes, so that links stay
-- good.
CREATE OR REPLACE FUNCTION public.courses_set_slug() RETURNS TRIGGER
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.status = 'READY' THEN
        NEW.slug := OLD.slug;  -- links to a finished course stay good
    ELSIF TG_OP = 'UPDATE' AND NEW.title IS DISTINCT FROM OLD.title THEN
        NEW.slug := public.course_slug(NEW.title, NEW.id);
    ELSE
        NEW.slug := coalesce(nullif(NEW.slug, ''), public.course_slug(NEW.title, NEW.id));
    END IF;
    RETURN NEW;
END
$$;

-- Nobody may make it the trigger of another table; the triggers here need no right to call it.
REVOKE EXECUTE ON FUNCTION public.courses_set_slug() FROM PUBLIC;

CREATE OR REPLACE TRIGGER courses_slug BEFORE INSERT OR UPDATE OF title, slug ON public.courses
    FOR EACH ROW EXECUTE FUNCTION public.courses_set_slug();
