-- Records a heartbeat. One that comes a whole lease late begins a new unbroken run: others may have judged this worker.
-- So does one that comes before the last one, as the clock was put back: no time of before can be compared with now.
INSERT INTO public.workers AS w (id, host, pid, version, slots, lease)
VALUES (:worker_id, :host, :pid, :version, :slots, make_interval(secs => :lease))
ON CONFLICT (id) DO UPDATE
SET last_seen_at = now(),
    unbroken_since = CASE WHEN now() < w.last_seen_at OR now() - w.last_seen_at >= w.lease THEN now()
                          ELSE w.unbroken_since END,
    longest_gap = CASE WHEN now() < w.last_seen_at OR now() - w.last_seen_at >= w.lease THEN '0' ELSE greatest(w.longest_gap, now() - w.last_seen_at) END
