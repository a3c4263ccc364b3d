-- 0007 budget tokens: what a call counts against its course's budget, also where the server counts no tokens.

ALTER TABLE public.model_calls ADD COLUMN IF NOT EXISTS budget_tokens INT NOT NULL DEFAULT 0;
COMMENT ON COLUMN public.model_calls.budget_tokens IS 'What the call counts against MAX_COURSE_TOKENS: its tokens, or an estimate where the server counts none';
