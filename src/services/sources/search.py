"""Where lessons take their facts from: one small interface, and who offers it."""

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
    """Finds passages. The library in PostgreSQL and the vector store offer it."""

    async def search(
        self, query: str, source_filter: str | None, limit: int, record: RecordCall | None = None
    ) -> list[Passage]:
        """Up to `limit` passages for `query`, the best first, from documents that `source_filter` lets through.

        Empty if there are none. `record` gets the calls to a model that it took. Raises `SourcesAway` where the
        database has to be asked and doesn't answer, `ModelUnavailable` or `ModelAccessDenied` where a model's server
        has to be.
        """
        ...

    async def prefixes(self) -> list[str]:
        """The first segments of the paths that there are, in order; at most 20. Raises as `search` does."""
        ...


class SearchWhileAway:
    """The library for courses that are written with files only: without it they have no sources, unless they must."""

    def __init__(self, library: SourceSearch, is_away: Callable[[], bool], *, required: bool) -> None:
        """`required`: no course is written without sources, whether it names some or not."""
        self._library = library
        self._is_away = is_away
        self._required = required

    async def search(
        self, query: str, source_filter: str | None, limit: int, record: RecordCall | None = None
    ) -> list[Passage]:
        """See `SourceSearch.search`. Nothing while the database is away; where there must be some, `SourcesAway`."""
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
        """See `SourceSearch.prefixes`."""
        return await self._library.prefixes()
