-- Writes embeddings. A passage that was replaced meanwhile gets none: the next `sources add` makes one of the new text.
INSERT INTO public.source_embeddings (passage_id, model, embedding)
SELECT e.id, :model, CAST(e.embedding AS public.vector)
FROM unnest(CAST(:ids AS bigint[]), CAST(:embeddings AS text[])) AS e (id, embedding)
JOIN public.source_passages p ON p.id = e.id
ON CONFLICT (passage_id) DO UPDATE SET model = EXCLUDED.model, embedding = EXCLUDED.embedding
