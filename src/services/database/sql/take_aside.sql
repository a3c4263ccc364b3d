-- Returns the first due request of each user, and keeps other workers from it for a while. One is enough to see whether
-- the user's rows are still locked. None is put off for five minutes: a time beyond that is of a clock that was ahead.
UPDATE public.requests_set_aside r
SET run_after = now() + make_interval(secs => :claim)
WHERE r.id IN (
    SELECT id FROM public.requests_set_aside
    WHERE id IN (
        SELECT min(id) FROM public.requests_set_aside
        WHERE run_after <= now() OR run_after > now() + interval '5 minutes'
        GROUP BY user_id ORDER BY 1 LIMIT :limit)
    FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING r.id, r.user_id, r.delivery_id, r.body, r.message_id, r.correlation_id, r.reply_to, r.priority, r.redelivered
