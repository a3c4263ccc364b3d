DELETE FROM source_passages WHERE document_id = :document_id
