SELECT p.id, d.path, d.title, d.sha256, p.section, p.text, p.start_offset
FROM public.source_passages p JOIN public.source_documents d ON d.id = p.document_id
WHERE p.id = ANY (CAST(:ids AS bigint[]))
