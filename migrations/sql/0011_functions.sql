-- 0011 functions: from here on functions and triggers have one current definition each, in migrations/functions, which is
-- applied on arrival at the newest revision. What earlier revisions made of them stays until then.

CREATE TABLE IF NOT EXISTS public.schema_functions (
    name   TEXT PRIMARY KEY,
    digest TEXT NOT NULL
);
COMMENT ON TABLE public.schema_functions IS 'Which text of migrations/functions is in force: a file is applied where its digest differs';
COMMENT ON COLUMN public.schema_functions.digest IS 'SHA-256 (hex) of the file';
