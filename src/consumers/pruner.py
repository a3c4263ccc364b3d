"""Deletes what nobody needs any more."""

from src.services.database.outbox import Outbox
from src.services.database.worker_registry import WorkerRegistry
from src.services.duty import Duty

_HOUR = 3600.0


class Pruner(Duty):
    """Deletes, once an hour, messages published long ago and the rows of processes that were killed long ago."""

    def __init__(self, outbox: Outbox, registry: WorkerRegistry, keep_days: float) -> None:
        super().__init__(_HOUR)
        self._outbox = outbox
        self._registry = registry
        self._keep_seconds = keep_days * 24 * _HOUR

    async def turn(self) -> None:
        """Prunes once."""
        await self._outbox.prune(self._keep_seconds)
        await self._registry.prune()
