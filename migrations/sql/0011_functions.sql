-- 0011 functions: functions and triggers have one current definition each from here on, in migrations/functions, which is
-- applied on arrival at the newest revision. What earlier revisions made of them stays until then. And events in the outbox.

-- Events: what a slice beside the worker has to tell. They go to the exchange with a routing key of their own, in order for
-- each order_key.
ALTER TABLE public.outbox ADD COLUMN IF NOT EXISTS order_key TEXT
    CONSTRAINT outbox_order_key CHECK ((order_key IS NOT NULL) = (destination = 'event'));
COMMENT ON COLUMN public.outbox.order_key IS 'Events with the same one are published in the order of their ids; NULL for other messages';

DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_constraint WHERE conname = 'outbox_destination' AND conrelid = 'public.outbox'::regclass
    ) THEN
        ALTER TABLE public.outbox DROP CONSTRAINT IF EXISTS outbox_destination_check,
            DROP CONSTRAINT IF EXISTS outbox_check,
            ADD CONSTRAINT outbox_destination CHECK (destination IN (
                'status',  -- the exchange, with the status routing key
                'reply',   -- the queue that the requester named in reply_to
                'dead',    -- the queue of rejected requests
                'event'    -- the exchange, with the event's own routing key
            )),
            ADD CONSTRAINT outbox_routing_key CHECK ((routing_key IS NOT NULL) = (destination IN ('reply', 'event')));
    END IF;
END
$$;

-- Which event of an order_key is the first one.
CREATE INDEX IF NOT EXISTS outbox_order ON public.outbox (order_key, id) WHERE published_at IS NULL AND order_key IS NOT NULL;

CREATE TABLE IF NOT EXISTS public.schema_functions (
    name   TEXT PRIMARY KEY,
    digest TEXT NOT NULL
);
COMMENT ON TABLE public.schema_functions IS 'Which text of migrations/functions is in force: a file is applied where its digest differs';
COMMENT ON COLUMN public.schema_functions.digest IS 'SHA-256 (hex) of the file';
