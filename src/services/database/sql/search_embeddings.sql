-- Finds the passages nearest in meaning, by the model's index.
SELECT id
FROM (
    SELECT e.passage_id AS id,
           CAST(e.embedding AS public.vector(:dimensions)) OPERATOR(public.<=>) CAST(:embedding AS public.vector(:dimensions)) AS distance
    FROM public.source_embeddings e JOIN public.source_passages p ON p.id = e.passage_id
    WHERE e.model = :model AND (:everywhere OR p.prefixes @> CAST(:prefixes AS text[]))
    ORDER BY CAST(e.embedding AS public.vector(:dimensions)) OPERATOR(public.<=>) CAST(:embedding AS public.vector(:dimensions))
    LIMIT :limit
) nearest
WHERE distance <= :farthest
ORDER BY distance, id
