-- Makes two deliveries of one message without an id take turns, so that the second finds the course of the first.
SELECT pg_advisory_xact_lock(hashtextextended(:body_hash, 1))
