ALTER TABLE public.workers DROP COLUMN IF EXISTS longest_gap;
