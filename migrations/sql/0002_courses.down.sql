-- Back to the original columns. `slug` stays a plain column that a trigger fills: PostgreSQL can't make an existing
-- column generated, and readers and writers of the original can't tell the difference.

DROP TRIGGER IF EXISTS lesson_bodies_touch ON public.lesson_bodies;
DROP TRIGGER IF EXISTS lessons_touch ON public.lessons;
DROP TRIGGER IF EXISTS courses_touch ON public.courses;
DROP FUNCTION IF EXISTS public.touch_updated_at();

DROP INDEX IF EXISTS public.courses_status_created, public.courses_unmirrored, public.courses_output_path,
    public.courses_body_hash, public.courses_user_request;

ALTER TABLE public.courses
    DROP COLUMN IF EXISTS quality,
    DROP COLUMN IF EXISTS usage,
    DROP COLUMN IF EXISTS mirrored_at,
    DROP COLUMN IF EXISTS output_path,
    DROP COLUMN IF EXISTS sources,
    DROP COLUMN IF EXISTS attempts,
    DROP COLUMN IF EXISTS error_code,
    DROP COLUMN IF EXISTS language,
    DROP COLUMN IF EXISTS body_hash,
    DROP COLUMN IF EXISTS request_hash,
    DROP COLUMN IF EXISTS request,
    DROP COLUMN IF EXISTS request_id;
