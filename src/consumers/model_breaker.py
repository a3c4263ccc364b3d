"""The circuit breaker between the queue and the model: no course is claimed that no model would write."""

import math
import time

import structlog

from src.services.model.brake import ModelBrake

_log = structlog.get_logger(__name__)

_FIRST_PAUSE = 60.0
_LONGEST_PAUSE = 600.0


class ModelBreaker:
    """Trips, with one critical line in the log, if the model refuses everything (wrong key, quota used up).

    While it is tripped, one course is let through now and then to see whether an operator has put things right. While
    the model's brake holds up courses that have begun, no other course begins.
    """

    def __init__(self, brake: ModelBrake) -> None:
        self._brake = brake
        self._tripped = False
        self._pause = _FIRST_PAUSE
        self._next_trial = 0.0

    @property
    def tripped(self) -> bool:
        """Whether claiming has stopped."""
        return self._tripped

    def permits(self, wanted: int) -> int:
        """Returns how many of `wanted` courses may be claimed now."""
        if self._brake.holds_up:
            return 0
        if not self._tripped:
            return wanted
        return 0 if time.monotonic() < self._next_trial else min(wanted, 1)

    def claimed(self) -> None:
        """Notes that a course was claimed. While the breaker is tripped, that is the trial; the next comes later."""
        if self._tripped:
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            self._next_trial = time.monotonic() + self._pause

    def trip(self, reason: str) -> None:
        """Stops claiming: the model refuses everything."""
        if self._tripped:
            return
        self._tripped = True
        self._pause = _FIRST_PAUSE
        self._next_trial = time.monotonic() + self._pause
        _log.critical("CLAIMING STOPS: no course can be written", action="claiming_stopped", reason=reason)

    def disable(self, reason: str) -> None:
        """Stops claiming for good: there is no model, and only a restart with other settings helps."""
        self.trip(reason)
        self._next_trial = math.inf

    def reset(self) -> None:
        """Lets claiming go on, as the model answers."""
        if self._tripped:
            self._tripped = False
            _log.warning("claiming goes on: the model answers again", action="claiming_resumed")
