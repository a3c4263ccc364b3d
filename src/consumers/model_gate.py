"""Whether claiming courses makes sense, as far as the model is concerned."""

import math
import time

import structlog

from src.services.model_brake import ModelBrake

_log = structlog.get_logger(__name__)

_FIRST_PAUSE = 60.0
_LONGEST_PAUSE = 600.0


class ModelGate:
    """Shut by a model that refuses everything (wrong key, quota used up), with one loud line.

    While it is shut, one course is let through now and then to see whether an operator has put it right. While the
    model's brake holds up the courses that are begun, no other is begun.
    """

    def __init__(self, brake: ModelBrake) -> None:
        self._brake = brake
        self._is_shut = False
        self._pause = _FIRST_PAUSE
        self._next_trial = 0.0

    @property
    def is_open(self) -> bool:
        """Whether courses are claimed."""
        return not self._is_shut

    def permits(self, wanted: int) -> int:
        """How many of `wanted` courses may be claimed now."""
        if self._brake.holds_up:
            return 0
        if not self._is_shut:
            return wanted
        return 0 if time.monotonic() < self._next_trial else min(wanted, 1)

    def claimed(self) -> None:
        """A course was claimed. While the gate is shut, that is the trial, and the next one comes later."""
        if self._is_shut:
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            self._next_trial = time.monotonic() + self._pause

    def shut(self, reason: str) -> None:
        """The model refuses everything."""
        if self._is_shut:
            return
        self._is_shut = True
        self._pause = _FIRST_PAUSE
        self._next_trial = time.monotonic() + self._pause
        _log.critical("CLAIMING STOPS: no course can be written", action="claiming_stopped", reason=reason)

    def close(self, reason: str) -> None:
        """There is no model: only a restart with other settings helps."""
        self.shut(reason)
        self._next_trial = math.inf

    def open(self) -> None:
        """The model answers."""
        if self._is_shut:
            self._is_shut = False
            _log.warning("claiming goes on: the model answers again", action="claiming_resumed")
