-- Returns the words of a query as the library's languages reduce them to lexemes, each with the word as asked and the
-- number of passages that hold it, which may be 0. A word that is a stop word in one of these languages, or in English,
-- isn't searched for in the others either.
WITH used AS (
    SELECT DISTINCT configuration FROM public.source_documents
), tokens AS (
    SELECT lexeme AS token FROM unnest(to_tsvector('pg_catalog.simple', :query))
    WHERE lexeme <> ALL (CAST(:small_words AS text[])) AND lexeme !~ '^[!-~]$'
), lexed AS MATERIALIZED (
    SELECT token, configuration, to_tsvector(CAST('pg_catalog.' || configuration AS regconfig), token) AS words
    FROM tokens, (SELECT configuration FROM used UNION SELECT 'english') AS languages
), lexemes AS (
    SELECT DISTINCT token, w.lexeme
    FROM lexed JOIN used USING (configuration), unnest(lexed.words) w
    WHERE token NOT IN (SELECT token FROM lexed WHERE words = '')
)
SELECT token, lexeme, GREATEST(COALESCE(passages, 0), 0) AS passages
FROM lexemes LEFT JOIN public.source_lexemes USING (lexeme)
ORDER BY token, lexeme
