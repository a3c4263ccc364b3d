-- 0002 courses: what the worker keeps with a course beyond the original columns; slugs for every script.

-- Programs that write with plain SQL need not bring ids or times.
ALTER TABLE public.courses ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER TABLE public.courses ALTER COLUMN created_at SET DEFAULT now();
ALTER TABLE public.courses ALTER COLUMN updated_at SET DEFAULT now();
ALTER TABLE public.lessons ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER TABLE public.lessons ALTER COLUMN created_at SET DEFAULT now();
ALTER TABLE public.lessons ALTER COLUMN updated_at SET DEFAULT now();
ALTER TABLE public.lesson_bodies ALTER COLUMN updated_at SET DEFAULT now();
ALTER TABLE public.lesson_checks ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER TABLE public.lesson_checks ALTER COLUMN created_at SET DEFAULT now();

ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS request_id TEXT;
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS request JSONB;
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS request_hash TEXT;
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS body_hash TEXT;
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS language TEXT NOT NULL DEFAULT 'en';
-- It goes out in the error message, so it is one that consumers know.
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS error_code TEXT CONSTRAINT courses_error_code CHECK (error_code IN (
    'invalid_request', 'request_id_conflict', 'no_sources', 'model_unavailable', 'model_refused',
    'model_output_invalid', 'budget_exceeded', 'attempts_exhausted', 'cancelled', 'internal'
));
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS attempts INT NOT NULL DEFAULT 0;
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS sources TEXT[];
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS output_path TEXT;
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS mirrored_at TIMESTAMPTZ;
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS usage JSONB;
ALTER TABLE public.courses ADD COLUMN IF NOT EXISTS quality JSONB;

COMMENT ON COLUMN public.courses.request_hash IS 'SHA-256 of what was asked for: a second request with the same request_id must agree in it';
COMMENT ON COLUMN public.courses.body_hash IS 'SHA-256 of the message body, only where the request had no id of its own';
COMMENT ON COLUMN public.courses.output_path IS 'Folder that the course is mirrored to; NULL where FILES=off';
COMMENT ON COLUMN public.courses.mirrored_at IS 'When the files in output_path were last written';

-- The key of idempotency. Rows without a request_id (plain INSERTs, imports) are not compared.
CREATE UNIQUE INDEX IF NOT EXISTS courses_user_request ON public.courses (user_id, request_id);
CREATE INDEX IF NOT EXISTS courses_body_hash ON public.courses (body_hash) WHERE body_hash IS NOT NULL;
-- Two courses never share a folder.
CREATE UNIQUE INDEX IF NOT EXISTS courses_output_path ON public.courses (output_path) WHERE output_path IS NOT NULL;
-- What the mirror still owes: empty nearly always.
CREATE INDEX IF NOT EXISTS courses_unmirrored ON public.courses (generated_at)
    WHERE status = 'READY' AND output_path IS NOT NULL AND mirrored_at IS NULL;
CREATE INDEX IF NOT EXISTS courses_status_created ON public.courses (status, created_at);

-- Lesson texts are long and read often: LZ4 unpacks several times faster than pglz. Not every build has it.
DO $$
BEGIN
    ALTER TABLE public.lesson_bodies ALTER COLUMN content_md SET COMPRESSION lz4;
    ALTER TABLE public.lesson_bodies ALTER COLUMN content_json SET COMPRESSION lz4;
EXCEPTION
    WHEN feature_not_supported OR invalid_parameter_value THEN
        RAISE NOTICE 'This server was built without LZ4; lesson bodies use its default compression';
END
$$;

-- A list of what separates words, not a class of what belongs to them: [[:alnum:]] splits Devanagari at its vowel
-- signs, and under C collation drops it whole. Joiners (U+200C, U+200D) stand inside words and are taken out.
CREATE OR REPLACE FUNCTION public.course_slug(title TEXT, id UUID) RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(
        nullif(
            rtrim(left(
                trim(BOTH '-' FROM
                    regexp_replace(
                        regexp_replace(lower(title), '[\u200C\u200D\uFE00-\uFE0F]', '', 'g'),
                        '[\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00A9\u00AB-\u00B4\u00B6-\u00B9\u00BB-\u00BF'
                        '\u00D7\u00F7\u055A-\u055F\u0589\u058A\u05BE\u05C0\u05C3\u060C\u061B\u061E\u061F\u066A-\u066D'
                        '\u06D4\u0964\u0965\u0970\u0E4F\u0E5A\u0E5B\u1680\u2000-\u206F\u20A0-\u20CF\u2190-\u2BFF'
                        '\u2E00-\u2E7F\u3000-\u3004\u3008-\u3020\u3030\u303D\u30A0\u30FB\uE000-\uF8FF\uFE10-\uFE6F'
                        '\uFF00-\uFF0F\uFF1A-\uFF20\uFF3B-\uFF40\uFF5B-\uFF65\uFFE0-\uFFFF'
                        '\U0001F000-\U0001FAFF\U000E0000-\U0010FFFF]+',
                        '-', 'g'
                    )
                ),
                120
            ), '-'),
            ''
        ),
        'course-' || left(id::text, 8)
    )
$$;

-- Plain columns can be given by an import; a column that is generated can't. The values stay as they are.
ALTER TABLE public.courses ALTER COLUMN slug DROP EXPRESSION IF EXISTS;

CREATE OR REPLACE FUNCTION public.courses_set_slug() RETURNS TRIGGER
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.status = 'READY' THEN
        NEW.slug := OLD.slug;  -- links to a finished course stay good
    ELSIF TG_OP = 'UPDATE' AND NEW.title IS DISTINCT FROM OLD.title THEN
        NEW.slug := course_slug(NEW.title, NEW.id);
    ELSE
        NEW.slug := coalesce(nullif(NEW.slug, ''), course_slug(NEW.title, NEW.id));
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER courses_slug BEFORE INSERT OR UPDATE OF title, slug ON public.courses
    FOR EACH ROW EXECUTE FUNCTION public.courses_set_slug();

CREATE OR REPLACE FUNCTION public.touch_updated_at() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

-- Writing the mirror doesn't change the course.
CREATE OR REPLACE TRIGGER courses_touch BEFORE UPDATE ON public.courses
    FOR EACH ROW WHEN (NEW.mirrored_at IS NOT DISTINCT FROM OLD.mirrored_at)
    EXECUTE FUNCTION public.touch_updated_at();
CREATE OR REPLACE TRIGGER lessons_touch BEFORE UPDATE ON public.lessons
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
CREATE OR REPLACE TRIGGER lesson_bodies_touch BEFORE UPDATE ON public.lesson_bodies
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
