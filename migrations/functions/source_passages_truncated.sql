-- Empties source_lexemes and source_prefixes when all passages are deleted at once by TRUNCATE, of source_documents too.
CREATE OR REPLACE FUNCTION public.source_passages_truncated() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM public.source_lexemes;
    DELETE FROM public.source_prefixes;
    RETURN NULL;
END
$$;

-- Nobody may make it the trigger of another table; the triggers here need no right to call it.
REVOKE EXECUTE ON FUNCTION public.source_passages_truncated() FROM PUBLIC;

CREATE OR REPLACE TRIGGER source_passages_truncated AFTER TRUNCATE ON public.source_passages
    FOR EACH STATEMENT EXECUTE FUNCTION public.source_passages_truncated();
