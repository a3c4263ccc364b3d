-- Returns what `public` holds under names of this program's, but belongs to roles that the caller has no reason to trust:
-- whoever reads such a view, writes to such a table or calls such a function runs what its owner has put there. Trusted
-- are the caller and the roles that he is a member of (a superuser is of every role, so for him that says nothing), the
-- owners of the database and of the schema, and superusers; for a worker that is no superuser, the owner of the courses.
SELECT found.name, o.rolname::text AS owner
FROM (
    SELECT 'relation ' || c.oid::regclass AS name, c.relname AS own, c.relowner AS owner, 'pg_class'::regclass AS catalog, c.oid
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'type ' || t.oid::regtype, t.typname, t.typowner, 'pg_type'::regclass, t.oid
    FROM pg_type t WHERE t.typnamespace = 'public'::regnamespace AND t.typrelid = 0
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure, p.proname, p.proowner, 'pg_proc'::regclass, p.oid
    FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
) found
JOIN pg_roles o ON o.oid = found.owner
JOIN pg_roles me ON me.rolname = current_user
WHERE found.own::text = ANY (CAST(:names AS text[]))
  AND NOT o.rolsuper AND o.oid <> me.oid
  AND o.oid NOT IN (
      SELECT datdba FROM pg_database WHERE datname = current_database()
      UNION ALL
      SELECT nspowner FROM pg_namespace WHERE nspname = 'public')
  AND (me.rolsuper OR NOT (
      pg_has_role(o.oid, 'MEMBER')
      OR (:as_worker AND o.oid = (SELECT relowner FROM pg_class WHERE oid = to_regclass('public.courses')))))
  AND NOT EXISTS (
      SELECT FROM pg_depend d WHERE d.classid = found.catalog AND d.objid = found.oid AND d.deptype = 'e')
ORDER BY 1
