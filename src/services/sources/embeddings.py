"""Embeddings: texts as vectors, made by the model that OPENAI_EMBEDDING_MODEL names."""

import json
import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

from src.domain.errors import ModelUnavailable
from src.domain.model_call import ModelCall, RecordCall, counted_tokens, estimated_tokens
from src.services.sources.model_connection import ModelConnection

if TYPE_CHECKING:
    from openai.types import CreateEmbeddingResponse

# A call takes at most 2,048 texts and 300,000 tokens. https://platform.openai.com/docs/api-reference/embeddings/create
BATCH = 64
"""How many texts go into one call: with a page in each, some 30,000 tokens."""


class Embedder:
    """Asks the model's server for embeddings. Vectors can be compared only with those of the same model."""

    def __init__(self, server: ModelConnection, model: str, price: float | None = None) -> None:
        """`price` is in US dollars for a million tokens."""
        self._server = server
        self.model = model
        self._price = price

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Returns one vector for each text, in order.

        Raises as `ModelConnection.call` does, and `ModelUnavailable` if the answer holds something else.
        """
        return self._vectors(await self._server.call(lambda: self._answer(texts)), len(texts))

    async def embed_query(self, text: str, record: RecordCall | None = None) -> list[float]:
        """Returns the vector of a query. It gives up soon, as a search can do without; raises as `embed` does.

        `record` gets the call, whatever came of it.
        """
        started, answer, outcome = time.monotonic(), None, "ok"
        try:
            answer = await self._server.ask_once(lambda: self._answer([text]))
            return self._vectors(answer, 1)[0]
        except BaseException as error:
            outcome = f"error: {type(error).__name__}"
            raise
        finally:
            if record is not None:
                record(self._call(text, answer, time.monotonic() - started, outcome))

    def _call(self, text: str, answer: object, seconds: float, outcome: str) -> ModelCall:
        counted = counted_tokens(getattr(answer, "usage", None), "prompt_tokens")
        return ModelCall(
            id=uuid4(),
            purpose="search",
            lesson_number=None,
            model=self.model,
            input_tokens=counted,
            cached_tokens=0,
            output_tokens=0,
            cost=None if self._price is None else counted * self._price / 1_000_000,
            seconds=seconds,
            outcome=outcome,
            budget_tokens=counted or (0 if answer is None else estimated_tokens(text)),
        )

    async def _answer(self, texts: Sequence[str]) -> "CreateEmbeddingResponse | None":
        """Makes one call; returns None if the client can't make sense of what came."""
        try:
            return await self._server.client.embeddings.create(model=self.model, input=list(texts))
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise  # the server's fault, as for every call
        except (AttributeError, TypeError, ValueError):
            # The client doesn't check what came: it may be a web page, hold no data, or vectors that aren't base64.
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
    """Returns the numbers of a vector; none if anything in it isn't a finite number."""
    if not isinstance(vector, list) or any(isinstance(number, bool) for number in vector):
        return []
    if not all(isinstance(number, int | float) and math.isfinite(number) for number in vector):
        return []
    return [float(number) for number in vector]
