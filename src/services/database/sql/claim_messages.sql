-- Claims messages for one relay: replies or others, those that were tried before or those that weren't, the longest
-- due first. At most one per course and destination, its oldest, and one event per order key: so one course's
-- messages and one key's events keep their order, and one that can't be published holds up no other course and no other
-- key. Messages of refused requests have no course and wait for no other message. Nothing is put off for ten minutes or
-- claimed for longer than `claim` seconds: a time beyond that is of a clock that was ahead. (A minute is for other transactions,
-- whose now() may be later than this one's.) A body over `most_bytes` stays in the database.
WITH head AS (
    SELECT o.id
    FROM public.outbox o
    WHERE o.published_at IS NULL AND o.dead_at IS NULL
      AND (o.destination = 'reply')::int = CAST(:replies AS int) AND least(o.failures, 1) = CAST(:tried AS int)
      AND (o.publish_after <= now() OR o.publish_after > now() + interval '10 minutes')
      AND (
          o.claimed_until IS NULL
          OR o.claimed_until <= now()
          OR o.claimed_until > now() + make_interval(secs => :claim) + interval '1 minute'
          -- A relay that was killed keeps its messages no longer.
          OR NOT EXISTS (SELECT FROM public.workers w WHERE w.id = o.claimed_by AND now() - w.last_seen_at < w.lease
                         AND w.last_seen_at - now() < w.lease)
      )
      AND NOT EXISTS (
          SELECT FROM public.outbox earlier
          WHERE earlier.course_id = o.course_id AND earlier.destination = o.destination
            AND earlier.routing_key IS NOT DISTINCT FROM o.routing_key
            AND earlier.id < o.id AND earlier.published_at IS NULL AND earlier.dead_at IS NULL
      )
      AND NOT EXISTS (
          SELECT FROM public.outbox earlier
          WHERE earlier.order_key = o.order_key AND earlier.id < o.id
            AND earlier.published_at IS NULL AND earlier.dead_at IS NULL
      )
    ORDER BY o.publish_after, o.id
    LIMIT :limit
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE public.outbox o
SET claimed_by = :worker_id, claimed_until = now() + make_interval(secs => :claim)
FROM head
WHERE o.id = head.id
RETURNING o.id, o.course_id, o.destination, o.routing_key, o.order_key, o.message_id, o.correlation_id, o.type, o.headers,
    CASE WHEN octet_length(o.body) <= :most_bytes THEN o.body END AS body, octet_length(o.body) > :most_bytes AS is_too_long,
    o.failures
