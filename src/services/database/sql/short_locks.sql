-- Makes this transaction give up soon if somebody else holds a lock that it needs. Intake takes one request after the
-- other, so each wait is one for all that come after it.
SELECT set_config('lock_timeout', '100ms', TRUE)
