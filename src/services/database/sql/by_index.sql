-- Keeps the planner from reading whole tables in this transaction. It takes the documents under a prefix to be spread
-- evenly over the table, so it would read from the beginning until it has enough. But they stand side by side, so it
-- would read nearly everything.
SELECT set_config('enable_seqscan', 'off', true)
