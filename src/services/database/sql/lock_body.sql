-- Makes two deliveries of one message without an id take turns, so that the second finds the course of the first. It
-- doesn't wait, because any role can hold such a lock: it returns whether the turn is this transaction's.
SELECT pg_try_advisory_xact_lock(hashtextextended(:body_hash, 1))
