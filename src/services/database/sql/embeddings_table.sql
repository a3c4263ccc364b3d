-- Says whether there is a table of embeddings: it is made only if the server has pgvector.
SELECT to_regclass('public.source_embeddings') IS NOT NULL
