-- Counts what waits, for the metrics. Ages are in seconds, and 0 if nothing waits. Reads the whole queue, which holds
-- only open courses: some milliseconds for ten thousand.
SELECT q.waiting AS courses_waiting, q.later AS courses_later, q.running AS courses_running,
       q.oldest AS oldest_course_seconds, o.waiting AS messages_waiting, o.oldest AS oldest_message_seconds,
       f.owed AS files_owed, r.number AS requests_set_aside, d.number AS messages_dead
FROM (
    SELECT count(*) FILTER (WHERE lease_id IS NULL AND run_after <= now()) AS waiting,
           count(*) FILTER (WHERE lease_id IS NULL AND run_after > now()) AS later,
           count(lease_id) AS running,
           coalesce(extract(epoch FROM now() - min(queued_at) FILTER (WHERE lease_id IS NULL AND run_after <= now())), 0)::float
               AS oldest
    FROM public.generation_queue
) q, (
    SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float AS oldest
    FROM public.outbox WHERE published_at IS NULL AND dead_at IS NULL
) o, (
    SELECT count(*) AS owed FROM public.courses WHERE status = 'READY' AND output_path IS NOT NULL AND mirrored_at IS NULL
) f, (
    SELECT count(*) AS number FROM public.requests_set_aside
) r, (
    SELECT count(*) AS number FROM public.outbox WHERE dead_at IS NOT NULL
) d
