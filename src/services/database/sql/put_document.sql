-- Writes a new document, or a new version under the id that the document has. If this server has no text search
-- configuration for its language, its words are searched for as they stand.
INSERT INTO public.source_documents AS d (path, title, language, configuration, sha256, characters)
VALUES (
    :path, :title, :language,
    coalesce(
        (SELECT cfgname FROM pg_ts_config
         WHERE cfgname = :configuration AND cfgnamespace = 'pg_catalog'::regnamespace),
        'simple'
    ),
    :sha256, :characters
)
ON CONFLICT (path) DO UPDATE
SET title = EXCLUDED.title, language = EXCLUDED.language, configuration = EXCLUDED.configuration,
    sha256 = EXCLUDED.sha256, characters = EXCLUDED.characters, changed_at = now()
RETURNING id, configuration, added_at = now() AS added
