-- Returns the sessions that hold locks on courses, those with the strongest first: whoever a request may be waiting for.
SELECT a.pid, a.usename::text AS role
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.granted AND l.pid <> pg_backend_pid() AND l.locktype = 'relation'
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.relation = 'public.courses'::regclass AND l.mode <> 'AccessShareLock'
GROUP BY a.pid, a.usename, a.xact_start
ORDER BY max(CASE l.mode WHEN 'AccessExclusiveLock' THEN 5 WHEN 'ExclusiveLock' THEN 4 WHEN 'ShareRowExclusiveLock' THEN 3
                         WHEN 'ShareLock' THEN 2 ELSE 1 END) DESC, a.xact_start NULLS LAST
LIMIT :limit
