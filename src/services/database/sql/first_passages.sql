-- Finds the passages that stand first under the prefix, for a query that no passage fits.
SELECT p.id
FROM (
    SELECT id, path FROM public.source_documents WHERE path = :prefix
    UNION ALL (
        SELECT id, path FROM public.source_documents
        WHERE path > :prefix || '/' AND path < :prefix || '0' -- '0' comes after '/'
        ORDER BY path
        LIMIT :limit
    )
) d
JOIN public.source_passages p ON p.document_id = d.id AND p.position < :limit
ORDER BY d.path, p.position
LIMIT :limit
