"""Texts as vectors, by the model that OPENAI_EMBEDDING_MODEL names."""

from collections.abc import Sequence

from openai.types import CreateEmbeddingResponse

from src.domain.errors import ModelUnavailable
from src.services.model_server import ModelServer

# A call takes at most 2,048 texts and 300,000 tokens. https://platform.openai.com/docs/api-reference/embeddings/create
BATCH = 64
"""How many texts go into one call: of a page each, some 30,000 tokens."""


class Embedder:
    """Asks the model's server. Vectors of one model can be compared with each other only."""

    def __init__(self, server: ModelServer, model: str) -> None:
        self._server = server
        self.model = model

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector for each text. Raises as `ModelServer.call` does."""

        async def request() -> CreateEmbeddingResponse:
            return await self._server.client.embeddings.create(model=self.model, input=list(texts))

        answer = await self._server.call(request)
        if len(answer.data) != len(texts):
            raise ModelUnavailable(f"{self.model}: {len(texts)} embeddings were asked for, {len(answer.data)} came")
        return [list(entry.embedding) for entry in sorted(answer.data, key=lambda entry: entry.index)]
