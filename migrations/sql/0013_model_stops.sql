-- Why no course is claimed, for all workers that ask the same server for the same models with the same key. One row as
-- long as the reason holds; `DELETE FROM model_stops` has claiming go on at once.
CREATE TABLE IF NOT EXISTS public.model_stops (
    server TEXT PRIMARY KEY,               -- address and models, with a digest that the key goes into
    kind TEXT NOT NULL CHECK (kind IN ('setting', 'unknown', 'moment')),
    reason TEXT NOT NULL,                  -- the server's own words, and the setting to change
    since TIMESTAMPTZ NOT NULL DEFAULT now(),
    course_id UUID,                        -- the course that met it first, and whose it is
    user_id UUID,
    next_trial_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    trials INTEGER NOT NULL DEFAULT 0,
    trial_course_id UUID                   -- the course that was let through last, to see whether it still holds
);
COMMENT ON COLUMN public.model_stops.kind IS
    'setting: an operator has to act. unknown: the server refuses for a reason that no rule knows. moment: it is away.';

-- A course that met an error of kind `unknown`: 'open' until a trial decides, 'own' if another course was answered then.
ALTER TABLE public.generation_queue ADD COLUMN IF NOT EXISTS refusal TEXT CHECK (refusal IN ('open', 'own'));
COMMENT ON COLUMN public.generation_queue.refusal IS
    'open: the model''s server refused it for a reason that no rule knows. own: and another course was answered since.';
