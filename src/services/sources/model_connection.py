"""What searches need of the connection to a model's server."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from openai import AsyncOpenAI

T = TypeVar("T")


class ModelConnection(Protocol):
    """The client for the server, and calls through it with retries and their meaning (`model.server.ModelServer`)."""

    @property
    def client(self) -> AsyncOpenAI:
        """The client."""
        ...

    async def call(self, request: Callable[[], Awaitable[T]]) -> T:
        """Returns the answer to `request`, which is made again on transient faults.

        Raises `ModelUnavailable`, `ModelAccessDenied`, `ModelRefused` or `Stopping`.
        """
        ...

    async def ask_once(self, request: Callable[[], Awaitable[T]]) -> T:
        """Returns the answer to `request`, which is made once and soon given up. Raises as `call`."""
        ...
