DROP TRIGGER IF EXISTS courses_follow_delete ON public.courses;
DROP TRIGGER IF EXISTS courses_follow_status ON public.courses;
DROP TRIGGER IF EXISTS courses_check_status ON public.courses;
DROP FUNCTION IF EXISTS public.courses_follow_delete(), public.courses_follow_status(), public.courses_check_status();
