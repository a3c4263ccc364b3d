-- Returns the statement that makes a model's index: the number of dimensions is known only from the first embedding.
SELECT format(
    'CREATE INDEX IF NOT EXISTS %I ON public.source_embeddings'
    ' USING hnsw ((embedding::public.vector(%s)) public.vector_cosine_ops) WHERE model = %L',
    'source_embeddings_' || left(md5(:model), 12), CAST(:dimensions AS int), :model
)
