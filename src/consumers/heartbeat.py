"""Keeps this process's leases, and tells when they are gone or can't be proven any more."""

import asyncio
import threading
import time
from collections.abc import Callable, Collection
from uuid import UUID

import structlog

from src.config import WorkerSettings
from src.services.database.worker_registry import WorkerRegistry

_log = structlog.get_logger(__name__)

# Slots stop a little before others may take their courses.
_MARGIN = 0.9


class Heartbeat:
    """Beats from a thread with a database connection of its own, but only while the event loop runs.

    A process whose event loop hangs must lose its courses, however well its threads live.
    """

    def __init__(
        self,
        registry: WorkerRegistry,
        config: WorkerSettings,
        held: Callable[[], Collection[UUID]],
        on_lost: Callable[[Collection[UUID]], None],
        on_proven: Callable[[], None],
    ) -> None:
        """`held`: the leases that slots work under, called from the thread. The others are called in the event loop:
        when leases are gone, and when claims are possible (again).
        """
        self._registry = registry
        self._config = config
        self._held = held
        self._on_lost = on_lost
        self._on_proven = on_proven
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)
        self._ticker: asyncio.Task[None] | None = None
        self._ticked_at = time.monotonic()
        self._proven_until = 0.0
        self._was_proven = False

    @property
    def proven(self) -> bool:
        """Whether this process can be sure that nobody has taken its courses."""
        return time.monotonic() < self._proven_until

    async def start(self) -> None:
        """Begins to beat. Returns after the first one: what this worker claims next is seen to be a living worker's."""
        self._ticked_at = time.monotonic()  # the worker may have waited long for its database
        self._ticker = asyncio.create_task(self._tick_on(), name="Heartbeat")
        await asyncio.to_thread(self.beat)
        self._thread.start()

    async def stop(self) -> None:
        """Ends the beats. The leases run out by themselves if they were not handed back."""
        self._stopping.set()
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join)
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)

    def tick(self) -> None:
        """In the event loop: notes that it runs, and stops the slots when the last beat is too long ago."""
        self._ticked_at = time.monotonic()
        if self._was_proven and not self.proven:
            _log.error("leases can't be proven any more; slots stop", action="lease_unproven")
            self._on_lost(self._held())
        self._was_proven = self.proven

    def beat(self) -> None:
        """In the thread: one beat, if the event loop runs."""
        if time.monotonic() - self._ticked_at >= 2 * self._config.heartbeat:
            _log.error("the event loop hangs; no heartbeat", action="loop_stalled")
            return
        # Taken before the query: a lease that is claimed in between is not missed.
        before, held = time.monotonic(), frozenset(self._held())
        try:
            lost = held - frozenset(self._registry.beat(patience=self._config.heartbeat))
        except Exception as error:
            _log.warning("a heartbeat failed", action="beat_failed", error=type(error).__name__)
            return
        was_proven = self.proven
        self._proven_until = before + _MARGIN * self._config.lease
        if not was_proven:
            self._loop.call_soon_threadsafe(self._on_proven)
        if lost:
            self._loop.call_soon_threadsafe(self._on_lost, lost)

    async def _tick_on(self) -> None:
        while True:
            self.tick()
            await asyncio.sleep(self._config.heartbeat / 4)

    def _beat_on(self) -> None:
        while not self._stopping.wait(self._config.heartbeat):
            self.beat()
