"""Wake-ups between the parts of one process: whoever causes something rings, and whoever acts on it has subscribed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

_log = structlog.get_logger(__name__)


class Occasion:
    """Something that comes about in one part and is acted on in others. Make it in the event loop.

    A ring is a hint and carries nothing: whoever is woken looks for itself, and would do so later without it.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._wakes: list[Callable[[], None]] = []

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Has `wake` called in the event loop after each ring, in the order of the subscriptions."""
        self._wakes.append(wake)

    def ring(self) -> None:
        """Wakes the subscribers. Any thread may call it."""
        self._loop.call_soon_threadsafe(self._wake_all)

    def _wake_all(self) -> None:
        for wake in self._wakes:
            try:
                wake()
            except Exception:  # the others are woken all the same
                _log.exception("somebody could not be woken", action="wake_failed")


@dataclass(frozen=True, slots=True)
class WakeUps:
    """The occasions of one process."""

    courses_waiting: Occasion = field(default_factory=Occasion)
    """A course may be in the queue, or may be claimed again."""
    messages_waiting: Occasion = field(default_factory=Occasion)
    """A message may be in the outbox, or may be published again."""
    imports_waiting: Occasion = field(default_factory=Occasion)
    """A course on disk may be imported."""
    database_lost: Occasion = field(default_factory=Occasion)
    """Somebody has waited for the database in vain."""
    database_back: Occasion = field(default_factory=Occasion)
    """The database answers again: whatever waited for it goes on."""
