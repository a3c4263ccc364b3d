"""Holds what the parts of one process share."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from src.consumers.accepted_courses import AcceptedCourses
from src.consumers.heartbeat import Leases
from src.consumers.model_breaker import ModelBreaker
from src.services.wakeups import WakeUps


class Slots:
    """The slots of a process, each for one course at a time, whichever part the course belongs to."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._counts: list[Callable[[], int]] = []

    def shared_with(self, in_use: Callable[[], int]) -> None:
        """Adds a part that takes slots; `in_use` returns how many it has at the moment."""
        self._counts.append(in_use)

    @property
    def in_use(self) -> int:
        """How many slots all parts together have."""
        return sum(count() for count in self._counts)

    @property
    def free(self) -> int:
        """How many slots no part has."""
        return self._total - self.in_use


@dataclass(frozen=True, slots=True)
class ProcessState:
    """The state by which all parts decide whether they take more work, and by which they wake each other.

    Make it in the event loop.
    """

    slots: Slots
    breaker: ModelBreaker
    leases: Leases = field(default_factory=Leases)
    shutdown: asyncio.Event = field(default_factory=asyncio.Event)
    """Set before any part is stopped: no course is claimed or begun after it."""
    wakeups: WakeUps = field(default_factory=WakeUps)
    accepted: AcceptedCourses = field(default_factory=AcceptedCourses)
