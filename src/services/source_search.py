"""Where lessons take their facts from: one small interface, and who offers it."""

from typing import Protocol

from src.domain.source import Passage


class SourceSearch(Protocol):
    """Finds passages. The vector store, the folder of Markdown files and `NoSourceSearch` offer it."""

    async def search(self, query: str, source_filter: str | None, limit: int) -> list[Passage]:
        """Up to `limit` passages for `query`, the best first, from documents that `source_filter` lets through.

        Empty if there are none. Raises `ModelUnavailable` or `ModelAccessDenied` where a server has to be asked.
        """
        ...


class NoSourceSearch:
    """No library is configured: every search comes back empty."""

    async def search(self, query: str, source_filter: str | None, limit: int) -> list[Passage]:
        """Nothing."""
        return []
