-- Finds the passages nearest in meaning, by the model's index.
SELECT id
FROM (
    SELECT e.passage_id AS id,
           CAST(e.embedding AS vector(:dimensions)) <=> CAST(:embedding AS vector(:dimensions)) AS distance
    FROM source_embeddings e JOIN source_passages p ON p.id = e.passage_id
    WHERE e.model = :model AND (:everywhere OR p.prefixes @> CAST(:prefixes AS text[]))
    ORDER BY CAST(e.embedding AS vector(:dimensions)) <=> CAST(:embedding AS vector(:dimensions))
    LIMIT :limit
) nearest
WHERE distance <= :farthest
ORDER BY distance, id
