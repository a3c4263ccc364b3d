-- Documents under a prefix stand side by side in the table, where the planner expects them to be spread evenly: it would
-- rather read from the beginning until it has enough, and read everything.
SELECT set_config('enable_seqscan', 'off', true)
