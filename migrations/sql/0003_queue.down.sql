DROP FUNCTION IF EXISTS public.hold_lease(UUID, UUID);
DROP FUNCTION IF EXISTS public.enqueue_course(public.courses);
DROP FUNCTION IF EXISTS public.course_usage(UUID);
DROP TABLE IF EXISTS public.model_calls, public.course_events, public.workers, public.generation_queue;
