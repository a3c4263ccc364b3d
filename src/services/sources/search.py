"""The interface that lessons find their passages through, and the library behind it while the database is away."""

from collections.abc import Callable
from typing import Protocol

import structlog

from src.domain.errors import SourcesAway
from src.domain.model_call import RecordCall
from src.domain.source import Passage

_log = structlog.get_logger(__name__)

_WHILE_AWAY = 60.0
"""Seconds until a course asks again whose sources are where the database is: when that is back, its message is handed
on at once.
"""


class SourceSearch(Protocol):
    """A search for passages. The library in PostgreSQL and the vector store offer it."""

    async def search(
        self, query: str, source_filter: str | None, limit: int, record: RecordCall | None = None
    ) -> list[Passage]:
        """Returns up to `limit` passages for `query`, the best first, from documents that `source_filter` lets through.

        `record` gets the calls to a model that the search took. Raises `SourcesAway` if it needs the database and that
        doesn't answer, and `ModelUnavailable` or `ModelAccessDenied` if it needs a model's server and has no answer.
        """
        ...

    async def prefixes(self) -> list[str]:
        """Returns the first segments of the documents' paths, at most 20, in order. Raises as `search` does."""
        ...


class SearchWhileAway:
    """The library as courses use it that are written with files only.

    While the database is away such a course goes on without sources, unless it names some or they are required.
    """

    def __init__(self, library: SourceSearch, is_away: Callable[[], bool], *, required: bool) -> None:
        """`required`: no course may be written without sources, whether it names some or not."""
        self._library = library
        self._is_away = is_away
        self._required = required

    async def search(
        self, query: str, source_filter: str | None, limit: int, record: RecordCall | None = None
    ) -> list[Passage]:
        """Searches the library; see `SourceSearch.search`.

        While the database is away it returns nothing, or raises `SourcesAway` if the course can't do without sources.
        """
        try:
            if self._is_away():
                raise SourcesAway("the database, which holds the sources, is away")
            return await self._library.search(query, source_filter, limit, record)
        except SourcesAway as error:
            if source_filter or self._required:
                raise SourcesAway(str(error), retry_after=_WHILE_AWAY) from error
            _log.warning("the library is away: no sources", action="sources_away")
            return []

    async def prefixes(self) -> list[str]:
        """Lists the first segments of the library's paths; see `SourceSearch.prefixes`."""
        return await self._library.prefixes()
