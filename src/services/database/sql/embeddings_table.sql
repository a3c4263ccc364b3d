-- Whether the server has pgvector, and with it the table.
SELECT to_regclass('public.source_embeddings') IS NOT NULL
