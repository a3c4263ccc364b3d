DROP TABLE IF EXISTS public.source_embeddings, public.source_passages, public.source_documents, public.source_lexemes,
    public.source_prefixes;
DROP FUNCTION IF EXISTS public.source_passages_count();
-- Other tables of the database may use it by now.
DO $$
BEGIN
    DROP EXTENSION IF EXISTS vector;
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN
    RAISE NOTICE 'the extension vector stays';
END
$$;
