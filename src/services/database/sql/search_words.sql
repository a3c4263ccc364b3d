-- Passages that hold a word of the condition, ranked by all words of the query: the sum of each word's inverse document
-- frequency times ts_rank for that word alone, which is larger for headings and grows with the number of occurrences
-- ever more slowly, to less than twice what one is worth. A plain ts_rank knows no rare words. Everywhere, a passage has
-- to hold the least weight of what was asked, or a subject of the library in its heading or its document's title, where
-- a word counts twice.
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
), asked AS MATERIALIZED (
    SELECT CAST(q.word AS tsquery) AS word, q.weight
    FROM unnest(CAST(:asked AS text[]), CAST(:asked_weights AS float8[])) AS q (word, weight)
), ranked AS (
    SELECT id, words, (
        SELECT sum(weight * ts_rank('{0.5, 0, 0.3, 1}', words, word)) FROM weighted -- weights of D, C, B, A
    ) AS score
    FROM candidates
    ORDER BY score DESC, id
    OFFSET 0 -- what follows is looked at in this order, and only until there are enough
)
SELECT id, score
FROM ranked, LATERAL (SELECT ts_filter(words, '{a,b}') AS headings OFFSET 0) AS h
WHERE NOT :everywhere
    OR headings @@ CAST(:subjects AS tsquery)
    OR (SELECT sum(weight * CASE WHEN headings @@ word THEN 2 ELSE 1 END) FROM asked WHERE words @@ word)
        >= :least_weight
LIMIT :limit
