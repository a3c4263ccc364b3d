-- Why no course is claimed, for all workers with the same settings for the model. One row as long as the reason holds;
-- `DELETE FROM model_stops` has claiming go on at once.
CREATE TABLE IF NOT EXISTS public.model_stops (
    server TEXT PRIMARY KEY,               -- address and models, with a digest that all settings of the model go into
    kind TEXT NOT NULL CHECK (kind IN ('setting', 'unknown')),
    reason TEXT NOT NULL,                  -- the server's own words, and the setting to change
    purpose TEXT NOT NULL,                 -- what the call was for that met it: outline, lesson, search
    since TIMESTAMPTZ NOT NULL DEFAULT now(),
    course_id UUID,                        -- the course that met it first, and whose it is
    user_id UUID,
    next_trial_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    trials INTEGER NOT NULL DEFAULT 0,
    trial_course_id UUID                   -- the course that was let through last, to see whether it still holds
);
COMMENT ON COLUMN public.model_stops.kind IS
    'setting: an operator has to act. unknown: the server refuses for a reason that no rule knows.';

-- A course that has met such an error of the server `refused_by`: 'open' until a trial decides, 'own' if another course
-- was answered then.
ALTER TABLE public.generation_queue
    ADD COLUMN IF NOT EXISTS refusal TEXT CHECK (refusal IN ('open', 'own')),
    ADD COLUMN IF NOT EXISTS refused_by TEXT;
COMMENT ON COLUMN public.generation_queue.refusal IS
    'open: the model''s server refuses everything, as this course has found. own: and another course was answered since.';
