SELECT prefix FROM public.source_prefixes
WHERE prefix <> '' AND strpos(prefix, '/') = 0 AND passages > 0
ORDER BY prefix
LIMIT :limit
