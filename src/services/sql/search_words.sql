-- Passages that hold a word of the condition, ranked by all words of the query: the sum of each word's inverse document
-- frequency times ts_rank for that word alone, which is larger for headings and grows with the number of occurrences
-- ever more slowly, to less than twice what one is worth. A plain ts_rank knows no rare words.
WITH candidates AS MATERIALIZED (
    -- Joined with nothing, it is read and unpacked once here, not once for each word. Everywhere, the planner drops the
    -- condition on prefixes; it can't know that an empty one lets all through, and would read the whole table.
    SELECT id, words || '' AS words
    FROM source_passages
    WHERE (:everywhere OR prefixes @> CAST(:prefixes AS text[])) AND words @@ CAST(:condition AS tsquery)
    LIMIT :most
), weighted AS MATERIALIZED (
    SELECT CAST(q.word AS tsquery) AS word, q.weight
    FROM unnest(CAST(:words AS text[]), CAST(:weights AS float8[])) AS q (word, weight)
)
SELECT c.id, sum(w.weight * ts_rank('{0.5, 0, 0.3, 1}', c.words, w.word)) AS score -- weights of D, C, B, A
FROM candidates c CROSS JOIN weighted w
GROUP BY c.id
ORDER BY score DESC, c.id
LIMIT :limit
