-- Says whether an earlier transaction, whose confirmation was lost, was committed.
SELECT pg_xact_status(CAST(:transaction AS xid8)) IS NOT DISTINCT FROM 'committed'
