SELECT EXISTS (SELECT FROM source_embeddings WHERE model = :model)
