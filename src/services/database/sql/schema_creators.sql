-- Returns the roles that may create things in the schema public, beside its owner and superusers.
SELECT coalesce(r.rolname, 'PUBLIC')::text AS role
FROM pg_namespace n
CROSS JOIN aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS held
LEFT JOIN pg_roles r ON r.oid = held.grantee
WHERE n.nspname = 'public' AND held.privilege_type = 'CREATE' AND held.grantee <> n.nspowner
  AND NOT coalesce(r.rolsuper, FALSE)
ORDER BY 1
