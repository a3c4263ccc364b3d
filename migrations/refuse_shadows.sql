-- Refuses to go on if `public` holds something that could be taken for a thing of PostgreSQL's own. Revisions up to 0010
-- look names up in `public` too, with the rights of whoever upgrades. There a function or operator that fits the types
-- of a call better than the built-in one would be called instead of it.
DO $$
DECLARE
    shadows TEXT;
BEGIN
    SELECT string_agg(found.name, ', ' ORDER BY found.name) INTO shadows
    FROM (
        SELECT 'function ' || p.oid::regprocedure AS name, 'pg_proc'::regclass AS catalog, p.oid
        FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND EXISTS (
            SELECT FROM pg_proc own WHERE own.proname = p.proname AND own.pronamespace = 'pg_catalog'::regnamespace)
        UNION ALL
        SELECT 'operator ' || o.oid::regoperator, 'pg_operator'::regclass, o.oid
        FROM pg_operator o
        WHERE o.oprnamespace = 'public'::regnamespace AND EXISTS (
            SELECT FROM pg_operator own WHERE own.oprname = o.oprname AND own.oprnamespace = 'pg_catalog'::regnamespace)
        UNION ALL
        -- Not a name of pg_catalog, but one that 0009 takes for pgvector's.
        SELECT 'type ' || t.oid::regtype, 'pg_type'::regclass, t.oid
        FROM pg_type t
        WHERE t.typnamespace = 'public'::regnamespace AND t.typname = 'vector'
    ) AS found
    WHERE NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = found.catalog AND d.objid = found.oid AND d.deptype = 'e');
    IF shadows IS NOT NULL THEN
        RAISE EXCEPTION 'the schema public holds what could be called in place of PostgreSQL''s own: %', shadows
            USING HINT = 'Look who made it (\df+, \do+), rename or drop it, then upgrade again: DATABASE.md, "Rights".';
    END IF;
END
$$;
