-- After release_lease: the trigger would take a lease that is still there for an operator's retry.
UPDATE courses SET status = 'QUEUED', attempts = attempts - :refund
WHERE id = :course_id
