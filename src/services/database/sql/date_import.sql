-- Dates a course by when it was requested and finished, not by when it was imported.
UPDATE public.courses
SET created_at = :received_at,
    generated_at = CASE WHEN status = 'READY' THEN CAST(:ended_at AS timestamptz) END
WHERE id = :course_id
