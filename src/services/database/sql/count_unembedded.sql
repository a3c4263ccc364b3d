SELECT count(*) FROM public.source_passages p
WHERE NOT EXISTS (SELECT FROM public.source_embeddings e WHERE e.passage_id = p.id AND e.model = :model)
