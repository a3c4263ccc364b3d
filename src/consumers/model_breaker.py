"""The circuit breaker between the queue and the model: no course is claimed that no model would write."""

import math
import time

import structlog

from src.domain.course import Stop
from src.services.model.brake import ModelBrake

_log = structlog.get_logger(__name__)

_FIRST_PAUSE = 60.0
_LONGEST_PAUSE = 600.0


class ModelBreaker:
    """Trips, with one critical line in the log, if the model's server refuses everything or is away.

    While the database is there, that is on record in it for all processes, and so is when it ends (`follow`). With
    files only, one course is let through now and then to see whether it still holds. While the model's brake holds up
    courses that have begun, no other course begins.
    """

    def __init__(self, brake: ModelBrake) -> None:
        self._brake = brake
        self._stop: Stop | None = None
        self._disabled = False
        self._on_record = False
        self._pause = _FIRST_PAUSE
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
        """Returns how many of `wanted` courses the database may be asked for, which knows of any stop itself."""
        return 0 if self._disabled or self._brake.holds_up else wanted

    def follow(self, stop: Stop | None) -> None:
        """Does as the database says, which has just been asked for courses."""
        self._on_record = True
        if stop is None:
            self._reset()
        else:
            self.trip(stop)

    def permits(self, wanted: int) -> int:
        """Returns how many of `wanted` courses may be begun with files only."""
        self._on_record = False
        if self._brake.holds_up:
            return 0
        if not self.tripped:
            return wanted
        return 0 if time.monotonic() < self._next_trial else min(wanted, 1)

    def claimed(self) -> None:
        """Notes that a course was begun with files only. While the breaker is tripped, that is the trial."""
        if self.tripped:
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            self._next_trial = time.monotonic() + self._pause

    def answered(self) -> None:
        """Notes that the model has answered a course; with files only, others may be begun then."""
        if not self._on_record:
            self._reset()

    def trip(self, stop: Stop) -> None:
        """Stops claiming."""
        if self.tripped:
            return
        self._stop = stop
        self._pause = _FIRST_PAUSE
        self._next_trial = time.monotonic() + self._pause
        _log.critical("CLAIMING STOPS: no course can be written", action="claiming_stopped", reason=stop.reason)

    def disable(self, reason: str) -> None:
        """Stops claiming for good: there is no model, and only a restart with other settings helps."""
        self.trip(Stop("setting", reason))
        self._disabled = True
        self._next_trial = math.inf

    def _reset(self) -> None:
        if self.tripped and not self._disabled:
            self._stop = None
            _log.warning("claiming goes on: the model answers again", action="claiming_resumed")
