SELECT EXISTS (SELECT FROM public.source_embeddings WHERE model = :model)
