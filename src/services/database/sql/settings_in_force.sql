-- Returns what settings really are in this transaction.
SELECT name, current_setting(name) AS value FROM unnest(CAST(:names AS text[])) AS name
