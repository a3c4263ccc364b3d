-- For course_events: why the change of this transaction is made.
SELECT set_config('course_generator.reason', :reason, TRUE)
