-- Makes writers to the library take turns from before the first row that they lock. The trigger source_passages_count
-- takes the same lock. Whoever imports has time to wait.
SELECT set_config('lock_timeout', '10s', TRUE),
       pg_advisory_xact_lock(hashtextextended('course-generator source library', 0))
