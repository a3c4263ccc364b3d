-- Makes a course QUEUED again. This comes after release_lease: if the lease were still there, the trigger would take
-- this for an operator's retry.
UPDATE public.courses SET status = 'QUEUED', attempts = attempts - :refund
WHERE id = :course_id
