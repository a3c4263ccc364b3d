"""The circuit breaker between the queue and the model: no course is claimed that no model would write."""

import math
import time

import structlog

from src.domain.course import Stop
from src.services.model.brake import ModelBrake

_log = structlog.get_logger(__name__)

# Seconds from one course that is let through to the next: at first, and at most.
_PAUSES = {"moment": (5.0, 60.0), "host": (60.0, 600.0), "setting": (60.0, 600.0), "unknown": (60.0, 600.0)}


class ModelBreaker:
    """Trips, with one critical line in the log, if the model's server refuses everything, or can't be reached.

    What other processes meet too is on record in the database, and so is when it ends (`follow`). For what only this
    process knows, and with files only, one course is let through now and then to see whether it still holds. While the
    model's brake holds up courses that have begun, no other course begins.
    """

    def __init__(self, brake: ModelBrake) -> None:
        self._brake = brake
        self._stop: Stop | None = None
        self._disabled = False
        self._tripped_at = 0.0
        self._pause = 0.0
        self._next_trial = 0.0

    @property
    def tripped(self) -> bool:
        """Whether claiming has stopped."""
        return self._stop is not None

    @property
    def is_answered(self) -> bool:
        """Whether the model has answered any course lately, so that it can't be away."""
        return self._brake.is_answered

    def permits_claim(self, wanted: int) -> int:
        """Returns how many of `wanted` courses the database may be asked for, which knows of stops on record."""
        if self._stop is not None and self._stop.is_local:
            return self.permits(wanted)
        return 0 if self._disabled or self._brake.holds_up else wanted

    def follow(self, stop: Stop | None, asked_at: float) -> None:
        """Does as the database says, which was asked for courses at `asked_at`, a time of the monotonic clock.

        If a course has found a stop out since, it says nothing of it yet.
        """
        if stop is not None:
            self.trip(stop)
        elif self._stop is not None and not self._stop.is_local and asked_at >= self._tripped_at:
            self._reset()

    def permits(self, wanted: int) -> int:
        """Returns how many of `wanted` courses may be begun, by what this process knows."""
        if self._stop is not None and self._brake.answered_since(self._tripped_at):
            self._reset()
        if self._brake.holds_up:
            return 0
        if not self.tripped:
            return wanted
        return 0 if time.monotonic() < self._next_trial else min(wanted, 1)

    def claimed(self) -> None:
        """Notes that courses were begun. While the breaker is tripped, that is the trial; the next comes later."""
        if self._stop is not None:
            self._pause = min(2 * self._pause, _PAUSES[self._stop.kind][1])
            self._next_trial = time.monotonic() + self._pause

    def trip(self, stop: Stop) -> None:
        """Stops claiming. Another kind of reason than the one before is told too."""
        if self._disabled or (self._stop is not None and self._stop.kind == stop.kind):
            return
        self._stop = stop
        self._tripped_at = time.monotonic()
        self._pause = _PAUSES[stop.kind][0]
        self._next_trial = time.monotonic() + self._pause
        _log.critical("CLAIMING STOPS: no course can be written", action="claiming_stopped", reason=stop.reason)

    def disable(self, reason: str) -> None:
        """Stops claiming for good: there is no model, and only a restart with other settings helps."""
        self.trip(Stop("setting", reason))
        self._disabled = True
        self._next_trial = math.inf

    def _reset(self) -> None:
        if self._stop is not None and not self._disabled:
            self._stop = None
            _log.warning("claiming goes on: the model answers again", action="claiming_resumed")
