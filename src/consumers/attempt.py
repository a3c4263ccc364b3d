"""Runs one attempt at one course and records how it ended, in the database or in files."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol, assert_never

import structlog

from src.config import CourseSettings
from src.consumers.model_breaker import ModelBreaker
from src.domain.course import (
    Broken,
    Claim,
    Conclusion,
    Failed,
    Finished,
    Lease,
    Lost,
    Outcome,
    Postponed,
    Released,
    Stop,
    StopKind,
    Unusable,
    conclusion,
    given_back,
)
from src.domain.errors import ErrorCode, LeaseLost
from src.domain.model_call import ModelCall
from src.domain.redaction import Redactor
from src.domain.text import printable
from src.services.course_generator import CourseGenerator, CourseRecord
from src.services.crash_points import crash_point
from src.services.files.mirror import Mirror

_log = structlog.get_logger(__name__)


class AttemptRecord(CourseRecord, Protocol):
    """The place where courses are kept: `CourseStore`, or `FilesStore` while the database is away.

    Each method below ends the attempt, which can't write after it, and raises `LeaseLost` if it had ended before.
    """

    async def finish(self, claim: Lease, output_path: str | None, long_output_path: str | None) -> None:
        """Makes a course READY whose lessons are all saved, and records its result.

        Takes `long_output_path` if another course has `output_path` already.
        """
        ...

    async def fail(self, claim: Lease, code: ErrorCode, message: str, reason: str, calls: Sequence[ModelCall]) -> None:
        """Makes the course FAILED, with `message` in its result. `reason` is for operators."""
        ...

    async def release(
        self,
        claim: Lease,
        reason: str,
        calls: Sequence[ModelCall],
        *,
        delay: float = 0,
        refund: bool = False,
        postponed: bool = False,
        stop: StopKind | None = None,
    ) -> None:
        """Has the course tried again in `delay` seconds.

        With `refund` the attempt doesn't count. `postponed` says that the model or the sources were away, and `stop`
        why no other course can be written.
        """
        ...


class AttemptRunner:
    """Runs attempts at the courses of one record. It keeps no state of any course, so one instance serves all slots."""

    def __init__(
        self,
        generator: CourseGenerator,
        record: AttemptRecord,
        mirror: Mirror,
        breaker: ModelBreaker,
        redact: Redactor,
        limits: CourseSettings,
        shutdown: asyncio.Event,
    ) -> None:
        """`generator` saves to `record`. `shutdown` is set before attempts are cancelled because the process stops."""
        self._generator = generator
        self._record = record
        self._mirror = mirror
        self._breaker = breaker
        self._redact = redact
        self._limits = limits
        self._shutdown = shutdown

    async def run(self, claim: Claim | Unusable, on_concluding: Callable[[], None]) -> Conclusion:
        """Runs an attempt, records how it ended, and returns that.

        `on_concluding` is called before the end is recorded: from then on no model is called, and the lease may end at
        any moment. A cancellation ends the writing; it means that the lease is gone, unless the process stops.
        """
        calls: list[ModelCall] = []
        try:
            outcome = await self._outcome(claim, calls)
            on_concluding()
            return await self._concluded(claim, outcome, calls)
        except asyncio.CancelledError:
            if self._shutdown.is_set():
                on_concluding()
                return await self._given_back(claim, calls)
            _log.warning("the lease is lost; the course is left alone", action="lease_lost")
        except LeaseLost:
            _log.warning("the lease is lost; nothing was written", action="lease_lost")
        return Lost()

    async def _outcome(self, claim: Claim | Unusable, calls: list[ModelCall]) -> Outcome:
        if isinstance(claim, Unusable):
            return claim.outcome
        if claim.attempt > self._limits.max_attempts:
            return Failed(ErrorCode.ATTEMPTS_EXHAUSTED, f"Given up after {claim.attempt - 1} attempts")
        deadline = self._limits.deadline
        try:
            async with asyncio.timeout(deadline):
                return await self._generator.generate(claim, calls)
        except TimeoutError:
            return Broken(f"the course took longer than {deadline:g} s")

    async def _concluded(self, claim: Claim | Unusable, outcome: Outcome, calls: list[ModelCall]) -> Conclusion:
        """Records how the attempt ended. If that can't be recorded, records that the attempt is broken."""
        if isinstance(outcome, Postponed) and outcome.stop == "moment" and self._breaker.is_answered:
            outcome = replace(outcome, stop=None)  # other courses are being written
        try:
            end = await self._recorded(claim, outcome, calls)
            self._tell_breaker(end)
            return end
        except LeaseLost:
            raise
        except Exception as error:
            _log.exception("the end of an attempt can't be recorded", action="conclusion_failed")
            return await self._recorded(claim, Broken.by(error), [])  # the calls may be what can't be recorded

    async def _recorded(self, claim: Claim | Unusable, outcome: Outcome, calls: list[ModelCall]) -> Conclusion:
        end = conclusion(claim, outcome, self._limits.max_attempts, self._limits.max_wait)
        match end:
            case Finished():
                await self._finish(claim)
            case Failed():
                await self._fail(claim, end, calls)
            case Released():
                await self._release(claim, end, calls)
            case Lost():
                raise LeaseLost
            case _:
                assert_never(end)
        return end

    async def _given_back(self, claim: Lease, calls: list[ModelCall]) -> Conclusion:
        end = given_back()
        try:
            await self._release(claim, end, calls)
        except LeaseLost:  # it was concluded when the grace time ended
            return Lost()
        return end

    async def _finish(self, claim: Claim | Unusable) -> None:
        crash_point("lessons_saved")
        paths = self._mirror.output_paths(claim.brief, claim.course_id) if isinstance(claim, Claim) else (None, None)
        await self._record.finish(claim, *paths)
        crash_point("ready")
        _log.info("the course is ready", action="course_ready", output_path=paths[0])

    async def _fail(self, claim: Lease, end: Failed, calls: list[ModelCall]) -> None:
        message, reason = printable(self._redact(end.message)), printable(self._redact(end.detail or end.message))
        await self._record.fail(claim, end.code, message, reason, calls)
        _log.error("the course failed", action="course_failed", error_code=end.code.value, error=reason)

    async def _release(self, claim: Lease, end: Released, calls: list[ModelCall]) -> None:
        reason = printable(self._redact(end.reason))
        await self._record.release(
            claim, reason, calls, delay=end.delay, refund=end.refund, postponed=end.postponed, stop=end.stop
        )
        _log.warning("the course is tried again later", action="course_released", reason=reason, delay=end.delay)

    def _tell_breaker(self, end: Conclusion) -> None:
        if isinstance(end, Released) and end.stop is not None:
            self._breaker.trip(Stop(end.stop, end.reason))
