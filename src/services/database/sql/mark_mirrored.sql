UPDATE public.courses SET mirrored_at = now() WHERE id = :course_id AND status = 'READY'
