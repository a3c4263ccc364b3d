-- Makes an imported course GENERATING. The trigger removes the queue row, as this course is written already.
UPDATE public.courses SET status = 'GENERATING', attempts = :attempts WHERE id = :course_id
