-- Keeps `updated_at`, so that no program has to.
CREATE OR REPLACE FUNCTION public.touch_updated_at() RETURNS TRIGGER
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

-- Nobody may make it the trigger of another table; the triggers here need no right to call it.
REVOKE EXECUTE ON FUNCTION public.touch_updated_at() FROM PUBLIC;

-- Writing the mirror doesn't change the course.
CREATE OR REPLACE TRIGGER courses_touch BEFORE UPDATE ON public.courses
    FOR EACH ROW WHEN (NEW.mirrored_at IS NOT DISTINCT FROM OLD.mirrored_at)
    EXECUTE FUNCTION public.touch_updated_at();
CREATE OR REPLACE TRIGGER lessons_touch BEFORE UPDATE ON public.lessons
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
CREATE OR REPLACE TRIGGER lesson_bodies_touch BEFORE UPDATE ON public.lesson_bodies
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
