"""How many calls to the model may be open at once: fewer when it says that it is busy, step by step more again."""

import asyncio
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from src.domain.backoff import backoff
from src.domain.errors import ModelUnavailable, Stopping

_log = structlog.get_logger(__name__)

LONGEST_WAIT = 60.0
"""The longest wait, in seconds, for which a slot is held; a course that is asked to wait longer is put off."""
_LONGEST_PAUSE = 600.0
_LONGEST_BACKOFF = 20.0

# 6m0s, 1.5s, 20ms: https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Turn:
    """One call that is open."""

    round: int
    among: int
    """How many calls were open when it was opened, itself included."""


class ModelBrake:
    """Shared by all slots of a process, so that what the model tells one of them is heeded by all.

    A 429 halves the number of calls that may be open: once for all that were open then, as they were too many together.
    Each round of answers without one raises it by a quarter. While the server asks for a wait no call is opened.
    """

    def __init__(self, ceiling: int, patience: float) -> None:
        """`ceiling`: calls open at once when all is well. `patience`: seconds to wait for a turn when it is not."""
        self._ceiling = self._limit = ceiling
        self._patience = patience
        self._open = 0
        self._line: deque[asyncio.Future[None]] = deque()
        self._round = self._answers = self._refusals = 0
        self._resume_at = 0.0
        self._resuming: asyncio.TimerHandle | None = None
        self._stopping = False

    @property
    def limit(self) -> int:
        """How many calls may be open now."""
        return self._limit

    @property
    def open_calls(self) -> int:
        """How many are."""
        return self._open

    @property
    def paused_for(self) -> float:
        """Seconds until the next call may be opened, as far as the server's wishes go."""
        return max(0.0, self._resume_at - time.monotonic())

    @property
    def holds_up(self) -> bool:
        """Whether work that is begun has to wait for the model already, so that more of it makes no sense."""
        return self.paused_for > 0 or (self._limit < self._ceiling and len(self._line) > 0)

    @asynccontextmanager
    async def turn(self, *, again: bool = False) -> AsyncIterator[Turn]:
        """Open a call within it. `again`: one that was told to come again goes before those that are new.

        Raises `ModelUnavailable` where a slot would be held for too long, `Stopping` where there would be a wait at all
        after `stop`.
        """
        await self._admission(again)
        try:
            yield Turn(self._round, self._open)
        finally:
            self._open -= 1
            self._admit()

    def answered(self, turn: Turn) -> None:
        """The call of `turn` got an answer."""
        if turn.round != self._round:
            return
        self._answers += 1
        self._refusals = 0
        if self._limit == self._ceiling or self._answers < self._limit:
            return
        self._answers = 0
        self._limit = min(self._ceiling, self._limit + max(1, self._limit // 4))
        if self._limit == self._ceiling:
            _log.info("the model takes as many calls as ever", action="model_unbraked", limit=self._limit)
        self._admit()

    def refused(self, turn: Turn, retry_after: float | None) -> None:
        """The call of `turn` was one too many (429). `retry_after`: seconds, if the server said so."""
        if turn.round == self._round:
            self._round += 1
            self._answers = 0
            self._refusals += 1
            self._limit = max(1, min(self._limit, max(turn.among, self._open)) // 2)
            self.pause(max(backoff(self._refusals, 0.5, _LONGEST_BACKOFF), retry_after or 0.0))
            _log.warning(
                "the model is busy; fewer calls at once",
                action="model_braked",
                limit=self._limit,
            )
        elif retry_after is not None:
            self.pause(retry_after)

    def observe(self, headers: Mapping[str, str], tokens: int) -> None:
        """Heeds the `x-ratelimit-*` headers of an answer, where they are sent. `tokens`: what a call like it takes.

        A bucket that can't serve one more call is given the time to fill up that far.
        """
        for kind, needed in (("requests", 1), ("tokens", tokens)):
            remaining = _number(headers.get(f"x-ratelimit-remaining-{kind}"))
            reset = _duration(headers.get(f"x-ratelimit-reset-{kind}"))
            if remaining is None or reset is None or remaining >= needed:
                continue
            limit = _number(headers.get(f"x-ratelimit-limit-{kind}"))
            missing = needed - remaining
            # `reset` is the time until it is full again; without its size only that is known.
            self.pause(min(reset, reset * missing / (limit - remaining)) if limit and limit > remaining else reset)

    def pause(self, seconds: float) -> None:
        """No call is opened for `seconds`, and after a long pause one at first."""
        seconds = min(seconds, _LONGEST_PAUSE)
        if seconds <= self.paused_for:
            return
        if seconds > self.paused_for + 1:
            _log.warning("no call to the model for a while", action="model_paused", seconds=round(seconds, 1))
        self._resume_at = time.monotonic() + seconds
        if self._resuming is not None:
            self._resuming.cancel()
        self._resuming = asyncio.get_running_loop().call_later(seconds, self._resume)
        if seconds > LONGEST_WAIT:
            # Answers to calls that are open now say nothing of how it will be then.
            self._round += 1
            self._answers, self._limit = 0, 1
            self._send_away(self._too_long)

    def stop(self) -> None:
        """Nobody waits for a turn any more; calls that are open may end."""
        self._stopping = True
        self._send_away(Stopping)

    async def _admission(self, again: bool) -> None:
        if self.paused_for > LONGEST_WAIT:
            raise self._too_long()
        if self._has_room() and (again or not self._line):
            self._open += 1
            return
        if self._stopping:
            raise Stopping
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._line.appendleft if again else self._line.append)(place)
        try:
            while not (await asyncio.wait((place,), timeout=self._patience))[0]:
                if self._limit < self._ceiling:
                    raise ModelUnavailable(f"the model is busy: no call could be opened for {self._patience:g} s")
            place.result()
        except BaseException:
            if place in self._line:
                self._line.remove(place)
            elif place.exception() is None:  # admitted in the moment in which it was cancelled
                self._open -= 1
                self._admit()
            raise

    def _has_room(self) -> bool:
        return self._open < self._limit and self.paused_for == 0

    def _admit(self) -> None:
        while self._line and self._has_room():
            self._open += 1
            self._line.popleft().set_result(None)

    def _resume(self) -> None:
        self._resume_at = 0.0  # a timer may go off a moment before its time
        self._admit()

    def _send_away(self, error: Callable[[], Exception]) -> None:
        while self._line:
            self._line.popleft().set_exception(error())

    def _too_long(self) -> ModelUnavailable:
        return ModelUnavailable(f"the model asks for no call for {self.paused_for:.0f} s", self.paused_for)


def _number(value: str | None) -> int | None:
    return int(value) if value is not None and value.isascii() and value.isdigit() and len(value) < 18 else None


def _duration(value: str | None) -> float | None:
    parts = _DURATION.findall(value or "")
    if not parts or "".join(number + unit for number, unit in parts) != value:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
