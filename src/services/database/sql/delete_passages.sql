DELETE FROM public.source_passages WHERE document_id = :document_id
