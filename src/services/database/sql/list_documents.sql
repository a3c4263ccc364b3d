SELECT d.path, d.title, d.language, d.characters, d.changed_at, d.sha256,
       (SELECT count(*) FROM public.source_passages p WHERE p.document_id = d.id) AS passages
FROM public.source_documents d
WHERE :prefix = '' OR d.path = :prefix OR (d.path > :prefix || '/' AND d.path < :prefix || '0') -- '0' comes after '/'
ORDER BY d.path
