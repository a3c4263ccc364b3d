-- What the repairs of answers take: `quality` of a course has `tokens` and `repair_tokens` from here on.
ALTER TABLE public.model_calls ADD COLUMN IF NOT EXISTS repair BOOLEAN NOT NULL DEFAULT false;
COMMENT ON COLUMN public.model_calls.repair IS 'Whether an answer was sent back with the call, to be put right';
