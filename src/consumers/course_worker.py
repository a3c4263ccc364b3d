"""Claims courses and works on them, several at a time."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import structlog

from src.config import Settings
from src.consumers.accepted_courses import AcceptedCourses
from src.consumers.attempt import AttemptRunner
from src.consumers.mirror_keeper import MirrorKeeper
from src.consumers.model_breaker import ModelBreaker
from src.domain.course import Claim, Finished, Lease, Lost, Unusable
from src.services.database.course_store import CourseStore
from src.services.duty import Duty

_log = structlog.get_logger(__name__)

# What handing back takes at the end of the grace time, when the database is well.
_HAND_BACK_SECONDS = 5.0


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
        runner: AttemptRunner,
        store: CourseStore,
        breaker: ModelBreaker,
        mirror_keeper: MirrorKeeper,
        settings: Settings,
        accepted: AcceptedCourses,
        shutdown: asyncio.Event,
        may_claim: Callable[[], bool],
        slots_elsewhere: Callable[[], int],
        on_concluded: Callable[[], None],
    ) -> None:
        """`runner` keeps its record in `store`. `shutdown`: set before `stop` is called; no course is claimed after it.

        `may_claim`: are leases proven? `slots_elsewhere`: how many of the process's slots courses without the database
        have. `on_concluded` is called when a message may wait in the outbox.
        """
        super().__init__(settings.worker.poll)
        self._worker_id = worker_id
        self._runner = runner
        self._store = store
        self._breaker = breaker
        self._mirror_keeper = mirror_keeper
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
        end = await self._runner.run(claim, partial(self._begin_conclusion, claim))
        if isinstance(end, Lost):
            return
        self._on_concluded()
        if isinstance(end, Finished):
            await self._mirror_keeper.mirror(claim.course_id)
            self._on_concluded()

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
