-- Finds passages that hold a word of the condition, and ranks them by all words of the query. The score is the sum over
-- the words of inverse document frequency times ts_rank for that word alone. That rank is larger for headings, and
-- grows ever more slowly with the number of occurrences, to less than twice the rank of one. One ts_rank for the whole
-- query would not know which words are rare. If the search goes everywhere, without a prefix, a passage must also hold
-- the least weight of what was asked (a word in its heading or its document's title counts twice), or hold a subject of
-- the library there.
WITH candidates AS MATERIALIZED (
    -- Concatenated with nothing, `words` is read and unpacked once here, not once for each word. If the search goes
    -- everywhere, the planner drops the condition on prefixes. It couldn't know that an empty prefix lets all passages
    -- through, and would read the whole table.
    SELECT id, words || '' AS words
    FROM public.source_passages
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
    OFFSET 0 -- the rest is done in this order, and only until there are enough
)
SELECT id, score
FROM ranked, LATERAL (SELECT ts_filter(words, '{a,b}') AS headings OFFSET 0) AS h
WHERE NOT :everywhere
    OR headings @@ CAST(:subjects AS tsquery)
    OR (SELECT sum(weight * CASE WHEN headings @@ word THEN 2 ELSE 1 END) FROM asked WHERE words @@ word)
        >= :least_weight
LIMIT :limit
