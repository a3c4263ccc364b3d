-- Finds the passages nearest in meaning under a prefix of few passages, by comparing all of them. An index of
-- neighbours would have to go through most of the other passages to come to these.
WITH allowed AS MATERIALIZED (
    SELECT id FROM public.source_passages WHERE (:everywhere OR prefixes @> CAST(:prefixes AS text[]))
), compared AS MATERIALIZED (
    SELECT a.id, CAST(e.embedding AS public.vector(:dimensions)) OPERATOR(public.<=>) CAST(:embedding AS public.vector(:dimensions)) AS distance
    FROM allowed a JOIN public.source_embeddings e ON e.passage_id = a.id
    WHERE e.model = :model
)
SELECT id FROM compared WHERE distance <= :farthest ORDER BY distance, id LIMIT :limit
