-- Says whether the library has this very version of the document.
SELECT EXISTS (
    SELECT FROM public.source_documents
    WHERE path = :path AND sha256 = :sha256 AND language = :language AND title = :title
)
