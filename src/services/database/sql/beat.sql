-- Records a heartbeat. One that comes a whole lease late begins a new unbroken run: others may have judged this worker.
-- So does one that comes before the last one, as the clock was put back: no time of before can be compared with now.
-- Each beat writes another token. If the row has neither that of this process's last beat nor that of this one (whose
-- confirmation may have been lost), a copy of the process beats too, and nothing is written.
INSERT INTO public.workers AS w (id, host, pid, version, slots, lease, token)
VALUES (:worker_id, :host, :pid, :version, :slots, make_interval(secs => :lease), :token)
ON CONFLICT (id) DO UPDATE
SET last_seen_at = now(),
    unbroken_since = CASE WHEN now() < w.last_seen_at OR now() - w.last_seen_at >= w.lease THEN now()
                          ELSE w.unbroken_since END,
    longest_gap = CASE WHEN now() < w.last_seen_at OR now() - w.last_seen_at >= w.lease THEN '0' ELSE greatest(w.longest_gap, now() - w.last_seen_at) END,
    token = :token
WHERE w.token IS NULL OR w.token = ANY (CAST(:tokens AS uuid[]))
