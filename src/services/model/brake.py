"""The brake on calls to the model: it lowers how many may be open when the model is busy, and raises it in steps."""

import asyncio
import math
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
"""The longest wait, in seconds, during which a course keeps its slot; if it has to wait longer, it is put off."""
_LONGEST_PAUSE = 600.0
_LONGEST_BACKOFF = 20.0

# Such as 6m0s, 1.5s or 20ms: https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn of one open call."""

    round: int
    """The round that it belongs to. Of all calls of a round, only the first 429 lowers the limit."""
    among: int
    """How many calls were open when it began, itself included."""


class ModelBrake:
    """Gives all calls of a process their turns, so that what the model tells one slot is heeded by all.

    A 429 halves the number of calls that may be open. It does so only once for all calls that were open then, as they
    were too many together. Each round of answers without a 429 raises the number by a quarter. While the server asks
    for a wait, no call is opened.
    """

    def __init__(self, ceiling: int, patience: float) -> None:
        """`ceiling` calls may be open at once if all is well; if not, one waits `patience` seconds for its turn."""
        self._ceiling = self._limit = ceiling
        self._patience = patience
        self._open = 0
        self._line: deque[asyncio.Future[None]] = deque()
        self._round = self._answers = self._refusals = 0
        self._resume_at = 0.0
        self._resuming: asyncio.TimerHandle | None = None
        self._stopping = False
        self._answered_at = -math.inf

    @property
    def is_answered(self) -> bool:
        """Whether any call was answered within the time that one waits for its turn at most."""
        return self.answered_since(time.monotonic() - self._patience)

    def answered_since(self, moment: float) -> bool:
        """Returns whether any call was answered after `moment`, a time of the monotonic clock."""
        return self._answered_at > moment

    @property
    def limit(self) -> int:
        """How many calls may be open now."""
        return self._limit

    @property
    def open_calls(self) -> int:
        """How many calls are open now."""
        return self._open

    @property
    def paused_for(self) -> float:
        """Seconds until the present pause is over; 0 if there is none."""
        return max(0.0, self._resume_at - time.monotonic())

    @property
    def holds_up(self) -> bool:
        """Whether work that has begun has to wait for the model already, so that it makes no sense to begin more."""
        return self.paused_for > 0 or (self._limit < self._ceiling and len(self._line) > 0)

    @asynccontextmanager
    async def turn(self, *, again: bool = False) -> AsyncIterator[Turn]:
        """Waits for a turn; the call is to be made inside the `with` block.

        `again`: the call was turned away before, and goes before those that are new. Raises `ModelUnavailable` if the
        wait would hold its slot for too long, and `Stopping` if there would be any wait after `stop`.
        """
        await self._admission(again)
        try:
            yield Turn(self._round, self._open)
        finally:
            self._open -= 1
            self._admit()

    def answered(self, turn: Turn) -> None:
        """Notes that the call of `turn` was answered; after a round of answers more calls may be open."""
        self._answered_at = time.monotonic()
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
        """Notes that the call of `turn` was one too many (429). `retry_after`: seconds, if the server asked for any."""
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
        """Heeds the `x-ratelimit-*` headers of an answer, if it has them. `tokens`: what a call like this one takes.

        If what remains isn't enough for one more call, calls pause until it is.
        """
        for kind, needed in (("requests", 1), ("tokens", tokens)):
            remaining = _number(headers.get(f"x-ratelimit-remaining-{kind}"))
            reset = _duration(headers.get(f"x-ratelimit-reset-{kind}"))
            if remaining is None or reset is None or remaining >= needed:
                continue
            limit = _number(headers.get(f"x-ratelimit-limit-{kind}"))
            missing = needed - remaining
            # `reset` is the time until all of the limit is there again; if the limit isn't told, all of it is waited.
            self.pause(min(reset, reset * missing / (limit - remaining)) if limit and limit > remaining else reset)

    def pause(self, seconds: float) -> None:
        """Opens no call for `seconds`, ten minutes at most; after a pause longer than `LONGEST_WAIT` one at first."""
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
            # Answers to calls that are open now say nothing about how the server will be then.
            self._round += 1
            self._answers, self._limit = 0, 1
            self._send_away(self._too_long)

    def stop(self) -> None:
        """Sends away whoever waits for a turn, from here on too; calls that are open may end."""
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
            elif place.exception() is None:  # it was admitted at the moment when it was cancelled
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
