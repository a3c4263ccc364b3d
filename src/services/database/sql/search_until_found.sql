-- Makes the index give neighbours until enough of them lie under the prefix, not just the first few. pgvector can do so
-- from 0.8 on; with an older one this does nothing.
SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true)
FROM pg_extension
WHERE extname = 'vector' AND CAST(string_to_array(extversion, '.') AS int[]) >= ARRAY[0, 8]
