"""Keeps track of whether the database can be worked with."""

import asyncio
import time

import structlog

from src.domain.backoff import backoff
from src.services.database.connection import Database
from src.services.database.schema_check import NeededSchema, obstacle
from src.services.duty import Duty
from src.services.wakeups import WakeUps

_log = structlog.get_logger(__name__)

_LONGEST_DELAY = 30.0


class DatabaseWatch(Duty):
    """Knows whether the database is there, and looks for it while it is away."""

    def __init__(self, database: Database, schema: NeededSchema, interval: float, wakeups: WakeUps) -> None:
        super().__init__(interval)
        self._database = database
        self._schema = schema
        self._wakeups = wakeups
        self._present = True

    @property
    def present(self) -> bool:
        """Whether the database is there. It is False from when somebody has waited for it in vain until it answers."""
        return self._present

    def lost(self) -> None:
        """Notes that somebody has waited for the database in vain."""
        if self._present:
            self._present = False
            _log.error("the database is away", action="database_lost")
            self._wakeups.database_lost.ring()

    async def until_usable(self) -> None:
        """Waits until the database answers and has the schema. After each look it logs what is in the way.

        A database that is away for longer than a unit of work would wait for it counts as `lost` from then on.
        """
        began, failures = time.monotonic(), 0
        while (found := await obstacle(self._database, self._schema)) is not None:
            failures += 1
            delay = backoff(failures, 1.0, _LONGEST_DELAY)
            _log.error(
                "waiting for the database", action="database_unavailable", reason=found.reason, retry_in=round(delay, 1)
            )
            if found.away and time.monotonic() - began >= self._database.patience:
                self.lost()
            await asyncio.sleep(delay)
        self._found()

    async def turn(self) -> None:
        """Looks whether a lost database is back."""
        if not self._present and await obstacle(self._database, self._schema) is None:
            self._found()

    def _found(self) -> None:
        if not self._present:
            self._present = True
            _log.warning("the database is back", action="database_back")
            self._wakeups.database_back.ring()
