-- 0008 longest gap: how well a worker has seen others beat. Who was cut off for a while, if shorter than its own lease,
-- must not take for dead who was cut off with it.

ALTER TABLE public.workers ADD COLUMN IF NOT EXISTS longest_gap INTERVAL NOT NULL DEFAULT '0';
COMMENT ON COLUMN public.workers.longest_gap IS 'The longest time between two of its beats since unbroken_since';
