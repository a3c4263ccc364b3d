-- Says whether there is a table of embeddings: it is made only if the server has pgvector. If it hasn't, others may have
-- made something of that name, which is not what is meant.
SELECT EXISTS (
    SELECT FROM pg_class e JOIN pg_class p ON p.oid = 'public.source_passages'::regclass
    WHERE e.oid = to_regclass('public.source_embeddings') AND e.relkind = 'r' AND e.relowner = p.relowner)
