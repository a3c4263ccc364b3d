"""The sources that lessons take their facts from: documents, the library, the vector store, embeddings."""
