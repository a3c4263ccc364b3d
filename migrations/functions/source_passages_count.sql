-- Keeps source_lexemes and source_prefixes in step with the passages, whoever adds or deletes a document.
CREATE OR REPLACE FUNCTION public.source_passages_count() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    step CONSTANT INT := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    -- Nearly every document has words that others have too: whoever writes takes turns, else two would deadlock.
    PERFORM pg_advisory_xact_lock(hashtextextended('course-generator source library', 0));
    INSERT INTO public.source_lexemes AS l (lexeme, passages)
    SELECT w.lexeme, step * count(*) FROM changed, unnest(changed.words) w GROUP BY w.lexeme
    ON CONFLICT (lexeme) DO UPDATE SET passages = l.passages + EXCLUDED.passages;
    INSERT INTO public.source_prefixes AS p (prefix, passages)
    SELECT prefix, step * count(*) FROM changed, unnest(changed.prefixes || ''::text) prefix GROUP BY prefix
    ON CONFLICT (prefix) DO UPDATE SET passages = p.passages + EXCLUDED.passages;
    IF TG_OP = 'DELETE' THEN
        DELETE FROM public.source_prefixes p USING (SELECT DISTINCT unnest(prefixes) AS prefix FROM changed) c
        WHERE p.prefix = c.prefix AND p.passages <= 0;
    END IF;
    RETURN NULL;
END
$$;

-- Nobody may make it the trigger of another table; the triggers here need no right to call it.
REVOKE EXECUTE ON FUNCTION public.source_passages_count() FROM PUBLIC;

CREATE OR REPLACE TRIGGER source_passages_added AFTER INSERT ON public.source_passages
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.source_passages_count();
CREATE OR REPLACE TRIGGER source_passages_removed AFTER DELETE ON public.source_passages
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.source_passages_count();
