"""Keeps this process's leases, and tells when they are gone or can't be proven any more."""

import asyncio
import threading
import time
from collections.abc import Callable, Collection
from uuid import UUID

import structlog

from src.config import WorkerSettings
from src.domain.errors import TwinFound
from src.services.database.worker_registry import WorkerRegistry
from src.services.wakeups import WakeUps

_log = structlog.get_logger(__name__)

# The share of a lease that counts as proven: slots stop a little before others may take their courses.
_MARGIN = 0.9


class Leases:
    """The leases that this process works under, and whether it can be sure that nobody has taken them.

    The heartbeat extends the proof, and stops whoever holds a lease that is lost.
    """

    def __init__(self) -> None:
        self._until = 0.0
        self.held: frozenset[UUID] = frozenset()
        """The leases that slots work under. The set is replaced, never changed, as the heartbeat's thread reads it."""
        self._stops: list[Callable[[Collection[UUID]], None]] = []

    def on_lost(self, stop: Callable[[Collection[UUID]], None]) -> None:
        """Registers `stop`, to be called in the event loop with leases that are lost or can't be proven any more."""
        self._stops.append(stop)

    def lost(self, leases: Collection[UUID]) -> None:
        """Stops whoever works under `leases`. Call it from the event loop."""
        for stop in self._stops:
            stop(leases)

    @property
    def proven(self) -> bool:
        """Whether leases are proven now."""
        return time.monotonic() < self._until

    def extend(self, until: float) -> None:
        """Counts the leases as proven up to `until` (`time.monotonic`). The heartbeat's thread calls it."""
        self._until = until


class Heartbeat:
    """Beats from a thread with a database connection of its own, but only while the event loop runs.

    A process whose event loop hangs must lose its courses, even if its threads still run.
    """

    def __init__(
        self,
        registry: WorkerRegistry,
        config: WorkerSettings,
        leases: Leases,
        wakeups: WakeUps,
        on_twin: Callable[[TwinFound], None],
    ) -> None:
        """`on_twin` is called in the heartbeat's thread if another process has this worker's id."""
        self._registry = registry
        self._config = config
        self._leases = leases
        self._wakeups = wakeups
        self._on_twin = on_twin
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)
        self._ticker: asyncio.Task[None] | None = None
        self._ticked_at = time.monotonic()
        self._was_proven = False

    async def start(self) -> None:
        """Begins to beat. Returns after the first beat, so that what is claimed next is seen as a living worker's."""
        self._ticked_at = time.monotonic()  # the worker may have waited long for its database
        self._ticker = asyncio.create_task(self._tick_on(), name="Heartbeat")
        await asyncio.to_thread(self.beat)
        self._thread.start()

    async def stop(self) -> None:
        """Ends the beats. Leases that were not handed back run out by themselves."""
        self._stopping.set()
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join)
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)

    def tick(self) -> None:
        """Notes that the event loop runs, and stops the slots if the last beat is too long ago. Call it from there."""
        self._ticked_at = time.monotonic()
        if self._was_proven and not self._leases.proven:
            _log.error("leases can't be proven any more; slots stop", action="lease_unproven")
            self._leases.lost(self._leases.held)
        self._was_proven = self._leases.proven

    def beat(self) -> None:
        """Beats once, if the event loop runs. Call it from a thread."""
        if time.monotonic() - self._ticked_at >= 2 * self._config.heartbeat:
            _log.error("the event loop hangs; no heartbeat", action="loop_stalled")
            return
        # Both are taken before the query: a lease that is claimed in between doesn't count as lost.
        before, held = time.monotonic(), self._leases.held
        try:
            lost = held - frozenset(self._registry.beat(patience=self._config.heartbeat))
        except TwinFound as error:
            self._leases.extend(0)
            self._on_twin(error)
            return
        except Exception as error:
            _log.warning("a heartbeat failed", action="beat_failed", error=type(error).__name__)
            return
        was_proven = self._leases.proven
        self._leases.extend(before + _MARGIN * self._config.lease)
        if not was_proven:
            self._wakeups.courses_waiting.ring()  # claims are possible (again)
        if lost:
            self._loop.call_soon_threadsafe(self._leases.lost, lost)

    async def _tick_on(self) -> None:
        while True:
            self.tick()
            await asyncio.sleep(self._config.heartbeat / 4)

    def _beat_on(self) -> None:
        while not self._stopping.wait(self._config.heartbeat):
            self.beat()
