SELECT count(*) FROM source_passages p
WHERE NOT EXISTS (SELECT FROM source_embeddings e WHERE e.passage_id = p.id AND e.model = :model)
