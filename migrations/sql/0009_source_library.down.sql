DROP TABLE IF EXISTS public.source_embeddings, public.source_passages, public.source_documents, public.source_lexemes,
    public.source_prefixes;
DROP FUNCTION IF EXISTS public.source_passages_count();
-- The extension vector stays: who made it can't be told, and other tables may use it.
