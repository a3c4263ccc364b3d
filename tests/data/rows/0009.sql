-- Rows as a worker and `sources add` write them at revision 0009. Triggers count words and prefixes.

INSERT INTO source_documents (path, title, language, configuration, sha256, characters)
VALUES ('biology/cells.md', 'Living Things', 'en', 'english', repeat('d', 64), 26);
INSERT INTO source_passages (document_id, position, section, start_offset, end_offset, text, prefixes, words)
SELECT id, 1, 'Cells', 0, 26, 'Cells are small parts.', ARRAY['biology', 'biology/cells.md'],
       to_tsvector('english', 'Cells are small parts.')
FROM source_documents;

-- pgvector is optional.
DO $$
BEGIN
    IF to_regclass('source_embeddings') IS NOT NULL THEN
        INSERT INTO source_embeddings (passage_id, model, embedding) SELECT id, 'a model', '[0.5, 0.25]' FROM source_passages;
    END IF;
END
$$;

INSERT INTO model_calls (id, course_id, attempt, purpose, model, input_tokens, seconds, outcome, budget_tokens)
VALUES (gen_random_uuid(), '00000006-0000-4000-8000-000000000001', 1, 'search', 'an embedding model', 12, 0.1, 'ok', 12);
