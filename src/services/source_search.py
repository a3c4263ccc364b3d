"""Where lessons take their facts from: one small interface, and who offers it."""

from typing import Protocol

from src.domain.errors import NoSources
from src.domain.source import Passage


class SourceSearch(Protocol):
    """Finds passages. The vector store, the folder of Markdown files and `NoSourceSearch` offer it."""

    async def search(self, query: str, source_filter: str | None, limit: int) -> list[Passage]:
        """Up to `limit` passages for `query`, the best first, from documents that `source_filter` lets through.

        Empty if there are none. Raises `ModelUnavailable` or `ModelAccessDenied` where a server has to be asked.
        """
        ...

    async def prefixes(self) -> list[str]:
        """The top-level path prefixes that exist, for who asked for one that doesn't."""
        ...


class NoSourceSearch:
    """No library is configured: every search comes back empty, and one with a filter can't be served."""

    async def search(self, query: str, source_filter: str | None, limit: int) -> list[Passage]:
        """Nothing. Raises `NoSources` where a filter asks for some."""
        if source_filter:
            wanted = f"source_filter: sources are asked for, under '{source_filter}'"
            raise NoSources(f"{wanted}, and this worker has none (VECTOR_DB_ID, SOURCES_DIR)")
        return []

    async def prefixes(self) -> list[str]:
        """None."""
        return []
