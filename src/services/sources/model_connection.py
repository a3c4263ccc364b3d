"""The interface to a model's server that searches and embeddings need."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:  # it takes longer to load than a search takes that needs no model
    from openai import AsyncOpenAI

T = TypeVar("T")


class ModelConnection(Protocol):
    """A client of a model's server, and calls that are retried and whose errors are translated.

    `ModelServer` in `src/services/model/server.py` is one.
    """

    @property
    def client(self) -> "AsyncOpenAI":
        """The client that requests are made with."""
        ...

    async def call(self, request: Callable[[], Awaitable[T]]) -> T:
        """Returns the answer to `request`, which is made again on transient faults.

        Raises `ModelUnavailable`, `ModelAccessDenied`, `ModelRefused` or `Stopping`.
        """
        ...

    async def ask_once(self, request: Callable[[], Awaitable[T]]) -> T:
        """Returns the answer to `request`, which is made once and soon given up. Raises as `call` does."""
        ...
