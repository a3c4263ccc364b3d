-- 0009 source library: documents that lessons are written from, and how passages of them are found.

COMMENT ON COLUMN public.generation_queue.postponements IS 'How often in a row the course went back because the model or the sources were away';
COMMENT ON COLUMN public.generation_queue.postponed_since IS 'When that began; NULL: neither was away';

-- What a course searches for is embedded by a model too.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'model_calls_purpose') THEN
        ALTER TABLE public.model_calls DROP CONSTRAINT IF EXISTS model_calls_purpose_check,
            ADD CONSTRAINT model_calls_purpose CHECK (purpose IN ('outline', 'lesson', 'search'));
    END IF;
END
$$;
COMMENT ON COLUMN public.model_calls.purpose IS 'outline, lesson, or search: a query that was embedded';
COMMENT ON COLUMN public.model_calls.cost IS 'US dollars by OPENAI_PRICE_INPUT and OPENAI_PRICE_OUTPUT, of a search by OPENAI_PRICE_EMBEDDING; NULL where they are not set';

-- The cost of some calls alone would look too small: there is one where each call that took tokens has one.
CREATE OR REPLACE FUNCTION public.course_usage(course UUID) RETURNS JSONB
LANGUAGE sql STABLE
SET search_path = public, pg_temp
AS $$
    SELECT jsonb_build_object(
        'calls', count(*),
        'input_tokens', coalesce(sum(input_tokens), 0),
        'cached_tokens', coalesce(sum(cached_tokens), 0),
        'output_tokens', coalesce(sum(output_tokens), 0),
        'cost', CASE WHEN NOT bool_or(cost IS NULL AND input_tokens + output_tokens > 0) THEN sum(cost) END
    )
    FROM model_calls
    WHERE course_id = course
$$;

CREATE TABLE IF NOT EXISTS public.source_documents (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- In byte order, so that all documents under a prefix stand side by side in the index.
    path          TEXT COLLATE "C" NOT NULL UNIQUE CHECK (path <> '' AND path !~ '^/|/$|//'),
    title         TEXT NOT NULL,
    language      TEXT NOT NULL,
    configuration TEXT NOT NULL,
    sha256        TEXT NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    characters    INT NOT NULL,
    added_at      TIMESTAMPTZ NOT NULL DEFAULT now(),
    changed_at    TIMESTAMPTZ NOT NULL DEFAULT now()
);
COMMENT ON COLUMN public.source_documents.path IS 'What source_filter looks at, by whole segments';
COMMENT ON COLUMN public.source_documents.language IS 'BCP 47; und where it was not recognised';
COMMENT ON COLUMN public.source_documents.configuration IS 'The text search configuration of pg_catalog for that language; simple where there is none';
COMMENT ON COLUMN public.source_documents.sha256 IS 'Of the text, as UTF-8: the version that its passages belong to';
CREATE INDEX IF NOT EXISTS source_documents_configuration ON public.source_documents (configuration);

CREATE TABLE IF NOT EXISTS public.source_passages (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document_id  BIGINT NOT NULL REFERENCES public.source_documents (id) ON DELETE CASCADE,
    position     INT NOT NULL,
    section      TEXT NOT NULL,
    start_offset INT NOT NULL,
    end_offset   INT NOT NULL,
    text         TEXT NOT NULL,
    prefixes     TEXT[] NOT NULL,
    words        TSVECTOR NOT NULL,
    UNIQUE (document_id, position)
);
COMMENT ON COLUMN public.source_passages.section IS 'The heading that it stands under';
COMMENT ON COLUMN public.source_passages.start_offset IS 'Of text in the document''s text, in characters; end_offset is the one after its last';
COMMENT ON COLUMN public.source_passages.prefixes IS 'The document''s path and every prefix of it by whole segments';
COMMENT ON COLUMN public.source_passages.words IS 'Weight A: the heading, B: the document''s title, D: the text';
-- Every candidate's words are read to rank it, the text only of those that are returned.
ALTER TABLE public.source_passages ALTER COLUMN words SET STORAGE MAIN;

-- Prefix and words in one index, so that neither is looked through for the other. Without a list of pending entries: a
-- search after a long import would have to read it.
CREATE INDEX IF NOT EXISTS source_passages_search ON public.source_passages USING gin (prefixes, words)
    WITH (fastupdate = off);

-- How common words and prefixes are: what makes a word of a query weigh much or little, and how many passages a search
-- has to expect. Kept by triggers, so that they are right whoever deletes a document.
CREATE TABLE IF NOT EXISTS public.source_lexemes (
    lexeme   TEXT COLLATE "C" PRIMARY KEY,
    passages INT NOT NULL
) WITH (fillfactor = 70);
CREATE TABLE IF NOT EXISTS public.source_prefixes (
    prefix   TEXT COLLATE "C" PRIMARY KEY,
    passages INT NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE public.source_lexemes IS 'In how many passages a word stands';
COMMENT ON TABLE public.source_prefixes IS 'How many passages there are under a prefix; under the empty one all';

CREATE OR REPLACE FUNCTION public.source_passages_count() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    step CONSTANT INT := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    -- Nearly every document has words that others have too: whoever writes takes turns, else two would deadlock.
    PERFORM pg_advisory_xact_lock(hashtextextended('course-generator source library', 0));
    INSERT INTO source_lexemes AS l (lexeme, passages)
    SELECT w.lexeme, step * count(*) FROM changed, unnest(changed.words) w GROUP BY w.lexeme
    ON CONFLICT (lexeme) DO UPDATE SET passages = l.passages + EXCLUDED.passages;
    INSERT INTO source_prefixes AS p (prefix, passages)
    SELECT prefix, step * count(*) FROM changed, unnest(changed.prefixes || ''::text) prefix GROUP BY prefix
    ON CONFLICT (prefix) DO UPDATE SET passages = p.passages + EXCLUDED.passages;
    IF TG_OP = 'DELETE' THEN
        DELETE FROM source_prefixes p USING (SELECT DISTINCT unnest(prefixes) AS prefix FROM changed) c
        WHERE p.prefix = c.prefix AND p.passages <= 0;
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER source_passages_added AFTER INSERT ON public.source_passages
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.source_passages_count();
CREATE OR REPLACE TRIGGER source_passages_removed AFTER DELETE ON public.source_passages
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.source_passages_count();

-- Embeddings, where the server has pgvector and this role may create it. Where it comes later, this file runs again.
DO $$
BEGIN
    IF to_regtype('public.vector') IS NULL THEN
        IF NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') THEN
            RAISE NOTICE 'the extension vector (pgvector) is not installed: sources are found by words only';
            RETURN;
        END IF;
        BEGIN
            CREATE EXTENSION vector SCHEMA public;
        EXCEPTION
            WHEN insufficient_privilege THEN
                RAISE NOTICE 'this role may not create the extension vector: sources are found by words only';
                RETURN;
            WHEN duplicate_object THEN
                RAISE NOTICE 'the extension vector is not in the schema public: sources are found by words only';
                RETURN;
        END;
    END IF;
    CREATE TABLE IF NOT EXISTS public.source_embeddings (
        passage_id BIGINT PRIMARY KEY REFERENCES public.source_passages (id) ON DELETE CASCADE,
        model      TEXT NOT NULL,
        embedding  public.vector NOT NULL
    );
    COMMENT ON TABLE public.source_embeddings IS 'Made by `sources add` with OPENAI_EMBEDDING_MODEL, which also makes an index for each model';
END
$$;
