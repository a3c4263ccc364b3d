-- Notes that no course can be written, as this one has found out. If that is known already, nothing changes but what is
-- known of the course. An operator needs some time to act; whether a course alone is at fault is tried at once.
WITH marked AS (
    UPDATE public.generation_queue SET refusal = 'open'
    WHERE course_id = :course_id AND CAST(:kind AS text) = 'unknown' AND refusal IS NULL
)
INSERT INTO public.model_stops (server, kind, reason, course_id, user_id, next_trial_at)
VALUES (:server, :kind, :reason, :course_id, :user_id,
        now() + CASE WHEN CAST(:kind AS text) = 'setting' THEN interval '1 minute' ELSE interval '0' END)
ON CONFLICT (server) DO NOTHING
