SELECT p.id, p.section, p.text
FROM public.source_passages p
WHERE p.id > :after AND NOT EXISTS (SELECT FROM public.source_embeddings e WHERE e.passage_id = p.id AND e.model = :model)
ORDER BY p.id
LIMIT :limit
