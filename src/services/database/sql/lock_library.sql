-- Whoever writes to the library takes turns, from before the first row that it locks,
-- as the trigger source_passages_count does.
SELECT pg_advisory_xact_lock(hashtextextended('course-generator source library', 0))
