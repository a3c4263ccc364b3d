-- Whether the document is there just as it is now.
SELECT EXISTS (
    SELECT FROM source_documents
    WHERE path = :path AND sha256 = :sha256 AND language = :language AND title = :title
)
