-- Passages of one document. The heading counts most, then the document's title, which has the same words for all.
INSERT INTO source_passages (document_id, position, section, start_offset, end_offset, text, prefixes, words)
SELECT :document_id, p.position, p.section, p.start_offset, p.end_offset, p.text, CAST(:prefixes AS text[]),
       setweight(to_tsvector(CAST(:configuration AS regconfig), p.section_words), 'A')
       || setweight(to_tsvector(CAST(:configuration AS regconfig), :title_words), 'B')
       || setweight(to_tsvector(CAST(:configuration AS regconfig), p.text_words), 'D')
FROM unnest(
    CAST(:positions AS int[]), CAST(:sections AS text[]), CAST(:starts AS int[]), CAST(:ends AS int[]),
    CAST(:texts AS text[]), CAST(:section_words AS text[]), CAST(:text_words AS text[])
) AS p (position, section, start_offset, end_offset, text, section_words, text_words)
