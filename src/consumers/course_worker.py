"""Claims courses and works on them, several at a time."""

import asyncio
import contextlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import assert_never
from uuid import UUID

import structlog

from src.config import Settings
from src.consumers.accepted_courses import AcceptedCourses
from src.consumers.mirror_keeper import MirrorKeeper
from src.consumers.model_breaker import ModelBreaker
from src.domain.backoff import backoff
from src.domain.course import (
    Broken,
    Claim,
    Failed,
    Finished,
    HandedBack,
    Lease,
    Lost,
    Outcome,
    Postponed,
    Unusable,
)
from src.domain.errors import ErrorCode, LeaseLost
from src.domain.model_call import ModelCall
from src.domain.redaction import Redactor
from src.domain.text import printable
from src.services.course_generator import CourseGenerator
from src.services.crash_points import crash_point
from src.services.database.course_store import CourseStore
from src.services.duty import Duty
from src.services.files.mirror import Mirror

_log = structlog.get_logger(__name__)

# An unexpected error is tried again soon, then later and later.
_FIRST_RETRY = 5.0
_LONGEST_RETRY = 300.0
# What handing back takes at the end of the grace time, when the database is well.
_HAND_BACK_SECONDS = 5.0
_STOPPED = "the worker stopped"


@dataclass(slots=True)
class _Slot:
    claim: Claim | Unusable
    task: asyncio.Task[None]
    concluding: bool = False
    """Its end is being recorded: from here on a missing lease is no news."""


class CourseWorker(Duty):
    """One process's slots. Each runs one attempt: written, concluded, mirrored."""

    def __init__(
        self,
        worker_id: UUID,
        generator: CourseGenerator,
        store: CourseStore,
        breaker: ModelBreaker,
        mirror: Mirror,
        mirror_keeper: MirrorKeeper,
        redact: Redactor,
        settings: Settings,
        accepted: AcceptedCourses,
        shutdown: asyncio.Event,
        may_claim: Callable[[], bool],
        slots_elsewhere: Callable[[], int],
        on_concluded: Callable[[], None],
    ) -> None:
        """`shutdown`: set before `stop` is called; no course is claimed after it.

        `may_claim`: are leases proven? `slots_elsewhere`: how many of the process's slots courses without the database
        have. `on_concluded` is called when a message may wait in the outbox.
        """
        super().__init__(settings.worker.poll)
        self._worker_id = worker_id
        self._generator = generator
        self._store = store
        self._breaker = breaker
        self._mirror = mirror
        self._mirror_keeper = mirror_keeper
        self._redact = redact
        self._settings = settings
        self._accepted = accepted
        self._shutdown = shutdown
        self._may_claim = may_claim
        self._slots_elsewhere = slots_elsewhere
        self._on_concluded = on_concluded
        self._slots: dict[UUID, _Slot] = {}
        self._held: frozenset[UUID] = frozenset()
        # Leases of slots that died: not to be adopted, or a course that kills its slot would do so for ever.
        self._given_up: set[UUID] = set()

    @property
    def slots_in_use(self) -> int:
        """How many courses this process works on. Those whose end is being recorded wait for the database alone."""
        return sum(not slot.concluding for slot in self._slots.values())

    def held_leases(self) -> Collection[UUID]:
        """Leases that slots are writing under. Safe to call from any thread."""
        return self._held

    def leases_lost(self, leases: Collection[UUID]) -> None:
        """Stops the slots that work under `leases`, without writing anything."""
        for lease in leases:
            slot = self._slots.get(lease)
            if slot is not None and not slot.concluding:
                slot.task.cancel()

    async def turn(self) -> None:
        """Fills the free slots."""
        free = self._settings.worker.slots - len(self._slots) - self._slots_elsewhere()
        if self._shutdown.is_set() or free <= 0 or not self._may_claim():
            return
        permitted = self._breaker.permits(free)
        if permitted == 0:
            return
        claims = await self._store.claim(
            self._worker_id,
            [*self._slots, *self._given_up],
            permitted,
            self._settings.course.max_attempts,
            self._settings.max_lessons,
        )
        if not self._may_claim():
            return  # the claim took too long; these are adopted when leases can be proven again
        for claim in claims:
            self._accepted.add(claim.course_id)
            task = asyncio.create_task(self._attempt(claim), name=f"course {claim.course_id}")
            self._slots[claim.lease_id] = _Slot(claim, task)
            task.add_done_callback(lambda _, lease=claim.lease_id: self._vacate(lease))  # type: ignore[misc]
        if claims:
            self._breaker.claimed()
            self._note_leases()
            self._on_concluded()

    async def stop(self) -> None:
        """No new claims; lessons under way may finish within the grace time; the rest is handed back."""
        await super().stop()
        await self._wait(self._settings.worker.grace)
        for slot in self._slots.values():
            slot.task.cancel()
        await self._wait(_HAND_BACK_SECONDS)

    async def _wait(self, seconds: float) -> None:
        tasks = [slot.task for slot in self._slots.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    async def _attempt(self, claim: Claim | Unusable) -> None:
        """One attempt at one course, from the claim to the last file."""
        structlog.contextvars.bind_contextvars(
            course_id=str(claim.course_id), request_id=claim.request_id, attempt=claim.attempt
        )
        _log.info("a course is claimed", action="course_claimed", saved_lessons=len(claim.saved_lessons))
        calls: list[ModelCall] = []
        try:
            outcome = await self._write(claim, calls)
            self._begin_conclusion(claim)
            outcome = await self._recorded(claim, outcome, calls)
        except asyncio.CancelledError:
            await self._cancelled(claim, calls)
            return
        except LeaseLost:
            outcome = Lost()
        if isinstance(outcome, Lost):
            _log.warning("the lease is lost; nothing was written", action="lease_lost")
            return
        self._on_concluded()
        if isinstance(outcome, Finished):
            await self._mirror_keeper.mirror(claim.course_id)
            self._on_concluded()

    async def _recorded(self, claim: Claim | Unusable, outcome: Outcome, calls: list[ModelCall]) -> Outcome:
        """Records how the attempt ended; that it is broken, where just this can't be recorded."""
        try:
            await self._conclude(claim, outcome, calls)
        except LeaseLost:
            raise
        except Exception as error:
            _log.exception("the end of an attempt can't be recorded", action="conclusion_failed")
            outcome = Broken.by(error)
            await self._conclude(claim, outcome, [])  # the calls may be what can't be recorded
        return outcome

    async def _cancelled(self, claim: Lease, calls: list[ModelCall]) -> None:
        if not self._shutdown.is_set():
            _log.warning("the lease is lost; the course is left alone", action="lease_lost")
            return
        self._begin_conclusion(claim)
        with contextlib.suppress(LeaseLost):  # it may have been concluded when the grace time ended
            await self._release(claim, _STOPPED, calls, refund=True)

    async def _write(self, claim: Claim | Unusable, calls: list[ModelCall]) -> Outcome:
        if isinstance(claim, Unusable):
            return claim.outcome
        deadline = self._settings.course.deadline
        try:
            async with asyncio.timeout(deadline):
                return await self._generator.generate(claim, calls)
        except TimeoutError:
            return Broken(f"the course took longer than {deadline:g} s")

    async def _conclude(self, claim: Claim | Unusable, outcome: Outcome, calls: list[ModelCall]) -> None:
        match outcome:
            case Finished():
                self._breaker.reset()
                crash_point("lessons_saved")
                assert isinstance(claim, Claim)
                paths = self._mirror.output_paths(claim.brief, claim.course_id)
                await self._store.finish(claim, *paths)
                crash_point("ready")
                _log.info("the course is ready", action="course_ready", output_path=paths[0])
            case Failed(code, message):
                if code in (ErrorCode.MODEL_REFUSED, ErrorCode.MODEL_OUTPUT_INVALID):
                    self._breaker.reset()  # it does answer
                await self._fail(claim, code, message, calls)
            case Postponed(message, delay, code, access_denied):
                if access_denied:
                    self._breaker.trip(message)
                elif claim.postponed_for > self._settings.course.max_wait:
                    # The words of the database are for operators.
                    told = message if code is ErrorCode.MODEL_UNAVAILABLE else "the sources can't be searched"
                    await self._fail(claim, code, told, calls, message)
                    return
                await self._release(claim, message, calls, delay=delay, refund=True, postponed=True)
            case HandedBack():
                await self._release(claim, _STOPPED, calls, refund=True)
            case Broken(message, detail):
                if claim.attempt >= self._settings.course.max_attempts:
                    await self._fail(claim, ErrorCode.INTERNAL, message, calls, detail)
                    return
                delay = backoff(claim.attempt, _FIRST_RETRY, _LONGEST_RETRY)
                await self._release(claim, detail or message, calls, delay=delay)
            case Lost():
                pass
            case _:
                assert_never(outcome)

    async def _fail(
        self, claim: Lease, code: ErrorCode, message: str, calls: list[ModelCall], detail: str = ""
    ) -> None:
        message, reason = printable(self._redact(message)), printable(self._redact(detail or message))
        await self._store.fail(claim, code, message, reason, calls)
        _log.error("the course failed", action="course_failed", error_code=code.value, error=reason)

    async def _release(
        self,
        claim: Lease,
        reason: str,
        calls: list[ModelCall],
        *,
        delay: float = 0,
        refund: bool = False,
        postponed: bool = False,
    ) -> None:
        reason = printable(self._redact(reason))
        await self._store.release(claim, reason, calls, delay=delay, refund=refund, postponed=postponed)
        _log.warning("the course goes back to the queue", action="course_released", reason=reason, delay=delay)

    def _begin_conclusion(self, claim: Lease) -> None:
        self._slots[claim.lease_id].concluding = True
        self._note_leases()

    def _vacate(self, lease: UUID) -> None:
        slot = self._slots.pop(lease)
        self._note_leases()
        if not slot.task.cancelled() and (error := slot.task.exception()) is not None:
            self._given_up.add(lease)
            _log.error("a slot ended unexpectedly", action="slot_failed", error=f"{type(error).__name__}: {error}")
        self.wake()

    def _note_leases(self) -> None:
        # Replaced, never changed: the heartbeat reads it from its own thread.
        self._held = frozenset(lease for lease, slot in self._slots.items() if not slot.concluding)
