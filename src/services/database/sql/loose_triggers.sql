-- Returns the functions of others' triggers on tables in `public` that set no search_path. In a worker's
-- transaction they find nothing of `public`.
SELECT DISTINCT p.oid::regprocedure::text AS function, t.tgrelid::regclass::text AS relation
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_proc p ON p.oid = t.tgfoid
JOIN pg_language l ON l.oid = p.prolang
WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace AND l.lanname <> 'c' AND l.lanname <> 'internal'
  AND NOT EXISTS (SELECT FROM public.schema_functions s WHERE s.name = p.proname AND p.pronamespace = c.relnamespace)
  AND NOT EXISTS (SELECT FROM unnest(p.proconfig) setting WHERE setting LIKE 'search\_path=%')
ORDER BY 1, 2
