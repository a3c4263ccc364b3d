-- Writes passages of one document. A word counts most in a passage's heading, then in its text, and least in the
-- document's title, which all passages share: see the weights in search_words.sql.
INSERT INTO public.source_passages (document_id, position, section, start_offset, end_offset, text, prefixes, words)
SELECT :document_id, p.position, p.section, p.start_offset, p.end_offset, p.text, CAST(:prefixes AS text[]),
       setweight(to_tsvector(CAST(:configuration AS regconfig), p.section_words), 'A')
       || setweight(to_tsvector(CAST(:configuration AS regconfig), :title_words), 'B')
       || setweight(to_tsvector(CAST(:configuration AS regconfig), p.text_words), 'D')
FROM unnest(
    CAST(:positions AS int[]), CAST(:sections AS text[]), CAST(:starts AS int[]), CAST(:ends AS int[]),
    CAST(:texts AS text[]), CAST(:section_words AS text[]), CAST(:text_words AS text[])
) AS p (position, section, start_offset, end_offset, text, section_words, text_words)
