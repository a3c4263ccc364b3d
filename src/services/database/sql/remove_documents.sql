-- Removes a few documents at a time, so that others get their turns and no statement takes long.
DELETE FROM public.source_documents
WHERE id IN (
    SELECT id FROM public.source_documents
    WHERE path = :prefix OR (path > :prefix || '/' AND path < :prefix || '0') -- '0' comes after '/'
    ORDER BY path
    LIMIT :limit
)
RETURNING path
