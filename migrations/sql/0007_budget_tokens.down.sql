ALTER TABLE public.model_calls DROP COLUMN IF EXISTS budget_tokens;
