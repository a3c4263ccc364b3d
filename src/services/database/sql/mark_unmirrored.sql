UPDATE public.courses SET mirrored_at = NULL WHERE id = :course_id AND status = 'READY'
