"""Whether the database can be worked with."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from src.domain.backoff import backoff
from src.services.database.connection import Database
from src.services.database.schema_check import obstacle
from src.services.duty import Duty

_log = structlog.get_logger(__name__)

_LONGEST_DELAY = 30.0


class DatabaseWatch(Duty):
    """Looks for a database that went away, until it is back."""

    def __init__(
        self,
        database: Database,
        schema: str,
        interval: float,
        on_away: Callable[[], Awaitable[None]],
        on_back: Callable[[], None],
    ) -> None:
        """`schema`: the revision that this program needs, at least."""
        super().__init__(interval)
        self._database = database
        self._schema = schema
        self._on_away = on_away
        self._on_back = on_back
        self._present = True

    @property
    def present(self) -> bool:
        """False from the time that somebody has waited for it in vain until it answers."""
        return self._present

    async def lost(self) -> None:
        """Somebody has waited for it in vain."""
        if self._present:
            self._present = False
            _log.error("the database is away", action="database_lost")
            await self._on_away()

    async def until_usable(self) -> None:
        """Returns when the database answers and has the schema; says in one line what is in the way.

        One that is away for longer than a unit of work would wait for it counts as `lost` from then on.
        """
        began, failures = time.monotonic(), 0
        while (found := await obstacle(self._database, self._schema)) is not None:
            failures += 1
            delay = backoff(failures, 1.0, _LONGEST_DELAY)
            _log.error(
                "waiting for the database", action="database_unavailable", reason=found.reason, retry_in=round(delay, 1)
            )
            if found.away and time.monotonic() - began >= self._database.patience:
                await self.lost()
            await asyncio.sleep(delay)
        self._found()

    async def turn(self) -> None:
        """Looks whether it is back."""
        if not self._present and await obstacle(self._database, self._schema) is None:
            self._found()

    def _found(self) -> None:
        if not self._present:
            self._present = True
            _log.warning("the database is back", action="database_back")
            self._on_back()
