-- Finds courses whose worker died over their files, or couldn't write them. Young ones are still in their worker's
-- hands.
SELECT id FROM public.courses
WHERE status = 'READY' AND output_path IS NOT NULL AND mirrored_at IS NULL
  AND generated_at < now() - make_interval(secs => :older_than)
ORDER BY random()  -- so that files that can't be written, however many, keep no others waiting
LIMIT :limit
