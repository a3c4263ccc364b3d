"""The base class of background duties."""

import asyncio
from abc import ABC, abstractmethod

import structlog

_log = structlog.get_logger(__name__)


class Duty(ABC):
    """Takes a turn every `interval` seconds, and at once when it is woken. A turn that fails is logged, not fatal."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._woken = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts the duty with a first turn, unless it has begun already."""
        self.begin()

    def begin(self) -> None:
        """Does what `start` does, for callers that can't await. Call it from the event loop."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=type(self).__name__)

    async def stop(self) -> None:
        """Ends the duty. Returns when the turn under way, if any, has ended."""
        self._stopping = True
        self.wake()
        if self._task is not None:
            await self._task

    def wake(self) -> None:
        """Makes the next turn come now. Call it from the event loop."""
        self._woken.set()

    @abstractmethod
    async def turn(self) -> None:
        """Does what there is to do, and returns."""

    async def _run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            try:
                await self.turn()
            except Exception as error:
                _log.error(
                    "a duty failed and is tried again",
                    action="duty_failed",
                    duty=type(self).__name__,
                    error=f"{type(error).__name__}: {error}",
                )
            try:
                async with asyncio.timeout(self._interval):
                    await self._woken.wait()
            except TimeoutError:
                pass
