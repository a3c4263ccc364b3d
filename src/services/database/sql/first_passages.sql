-- Where no word fits: what stands first under the prefix.
SELECT p.id
FROM (
    SELECT id, path FROM source_documents WHERE path = :prefix
    UNION ALL (
        SELECT id, path FROM source_documents
        WHERE path > :prefix || '/' AND path < :prefix || '0' -- which comes after '/'
        ORDER BY path
        LIMIT :limit
    )
) d
JOIN source_passages p ON p.document_id = d.id AND p.position < :limit
ORDER BY d.path, p.position
LIMIT :limit
