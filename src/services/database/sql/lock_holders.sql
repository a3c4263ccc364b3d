-- Returns the sessions that hold locks on courses, those with the strongest first, and advisory locks, as on the body
-- of a request: whoever a request may be waiting for.
SELECT a.pid, a.usename::text AS role
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.granted AND l.pid <> pg_backend_pid()
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (l.locktype = 'relation' AND l.relation = 'public.courses'::regclass AND l.mode <> 'AccessShareLock'
       OR l.locktype = 'advisory')
GROUP BY a.pid, a.usename, a.xact_start, a.state_change
ORDER BY max(CASE WHEN l.locktype = 'advisory' THEN 1
                  WHEN l.mode = 'AccessExclusiveLock' THEN 5 WHEN l.mode = 'ExclusiveLock' THEN 4
                  WHEN l.mode = 'ShareRowExclusiveLock' THEN 3 WHEN l.mode = 'ShareLock' THEN 2 ELSE 1 END) DESC,
         coalesce(a.xact_start, a.state_change)
LIMIT :limit
