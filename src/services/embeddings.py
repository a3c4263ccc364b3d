"""Texts as vectors, by the model that OPENAI_EMBEDDING_MODEL names."""

import json
import math
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
        """One vector for each text. Raises as `ModelServer.call` does, and `ModelUnavailable` where others came."""
        return self._vectors(await self._server.call(lambda: self._answer(texts)), len(texts))

    async def embed_query(self, text: str) -> list[float]:
        """The vector of what is searched for, or soon an error: a search can do without. Raises as `embed` does."""
        return self._vectors(await self._server.ask_once(lambda: self._answer([text])), 1)[0]

    async def _answer(self, texts: Sequence[str]) -> CreateEmbeddingResponse | None:
        """None where the client can't make sense of it."""
        try:
            return await self._server.client.embeddings.create(model=self.model, input=list(texts))
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise  # the server's fault, as for every call
        except (AttributeError, TypeError, ValueError):
            # It goes through what came without a look: a page instead of JSON, no data, vectors that aren't base64.
            return None

    def _vectors(self, answer: object, number: int) -> list[list[float]]:
        entries = getattr(answer, "data", None)
        if not isinstance(entries, list):
            raise ModelUnavailable(f"{self.model}: the answer of the model's server holds no embeddings")
        if len(entries) != number:
            raise ModelUnavailable(f"{self.model}: {number} embeddings were asked for, {len(entries)} came")
        vectors = {getattr(entry, "index", None): getattr(entry, "embedding", None) for entry in entries}
        ordered = [_numbers(vectors.get(index)) for index in range(number)]
        if not all(ordered) or len(set(map(len, ordered))) != 1:
            raise ModelUnavailable(f"{self.model}: an embedding in the answer of the model's server is no vector")
        return ordered


def _numbers(vector: object) -> list[float]:
    """Empty where it is not made of finite numbers."""
    if not isinstance(vector, list) or any(isinstance(number, bool) for number in vector):
        return []
    if not all(isinstance(number, int | float) and math.isfinite(number) for number in vector):
        return []
    return [float(number) for number in vector]
