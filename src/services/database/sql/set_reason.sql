-- Tells course_events why the changes of this transaction are made.
SELECT set_config('course_generator.reason', :reason, TRUE)
