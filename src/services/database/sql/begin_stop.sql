-- Notes that no course can be written, as this one has found out. If that is known already, only a reason of another
-- kind that the trial has found, or that an operator has to know, takes the place of the first. An operator needs some
-- time to act; whether a course alone is at fault is tried at once.
WITH marked AS (
    UPDATE public.generation_queue SET refusal = 'open', refused_by = :server
    WHERE course_id = :course_id AND refusal IS NULL
)
INSERT INTO public.model_stops AS known (server, kind, reason, purpose, course_id, user_id, next_trial_at)
VALUES (:server, :kind, :reason, :purpose, :course_id, :user_id,
        now() + CASE WHEN CAST(:kind AS text) = 'setting' THEN interval '1 minute' ELSE interval '0' END)
ON CONFLICT (server) DO UPDATE
SET kind = excluded.kind, reason = excluded.reason, purpose = excluded.purpose
WHERE known.kind <> excluded.kind AND (known.trial_course_id = excluded.course_id OR excluded.kind = 'setting')
