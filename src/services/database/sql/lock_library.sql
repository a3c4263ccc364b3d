-- Whoever writes to the library takes turns, from before the first row that it locks; see migrations/sql/0009.
SELECT pg_advisory_xact_lock(hashtextextended('course-generator source library', 0))
