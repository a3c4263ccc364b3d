"""Claims courses and works on them, several at a time."""

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import structlog

from src.config import Settings
from src.consumers.attempt import AttemptRunner
from src.consumers.mirror_keeper import MirrorKeeper
from src.consumers.process_state import ProcessState
from src.domain.course import Claim, Finished, Lease, Lost, Unusable
from src.services.database.course_store import CourseStore
from src.services.database.worker_registry import Membership
from src.services.duty import Duty

_log = structlog.get_logger(__name__)

# How many courses a process holds at most, in multiples of its slots, if others have locked them.
_MOST_HELD = 10
# How long courses may take to be handed back after the grace time: enough for a database that is well.
_HAND_BACK_SECONDS = 5.0


@dataclass(slots=True)
class _Slot:
    claim: Claim | Unusable
    task: asyncio.Task[None]
    concluding: bool = False
    """Whether the end of its attempt is being recorded: from then on, a missing lease is no fault."""


class CourseWorker(Duty):
    """The slots of one process, each of which works on one course from the claim to the last file."""

    def __init__(
        self,
        worker: Membership,
        runner: AttemptRunner,
        store: CourseStore,
        mirror_keeper: MirrorKeeper,
        settings: Settings,
        state: ProcessState,
    ) -> None:
        """`runner` must keep its record in `store`."""
        super().__init__(settings.worker.poll)
        self._worker = worker
        self._runner = runner
        self._store = store
        self._mirror_keeper = mirror_keeper
        self._settings = settings
        self._breaker = state.breaker
        self._leases = state.leases
        self._accepted = state.accepted
        self._shutdown = state.shutdown
        self._wakeups = state.wakeups
        self._process_slots = state.slots
        self._process_slots.shared_with(lambda: self.slots_in_use)
        self._leases.on_lost(self._leases_lost)
        self._slots: dict[UUID, _Slot] = {}
        # Leases of slots that died. They are not adopted, or a course that kills its slot would do so for ever.
        self._given_up: set[UUID] = set()

    @property
    def slots_in_use(self) -> int:
        """How many courses are being written.

        One whose end is being recorded doesn't count: it calls no model. Nor does one that somebody has locked in the
        database, or whoever can lock as many courses as there are slots could stop the process. Such a one begins no
        new calls once those under way have ended, as each of its lessons waits to be saved.
        """
        return sum(not slot.concluding and not self._is_locked(slot) for slot in self._slots.values())

    def _is_locked(self, slot: _Slot) -> bool:
        return slot.claim.course_id in self._store.locked

    def _leases_lost(self, leases: Collection[UUID]) -> None:
        """Stops the slots that work under `leases`, without writing anything."""
        for lease in leases:
            slot = self._slots.get(lease)
            if slot is not None and not slot.concluding:
                slot.task.cancel()

    async def turn(self) -> None:
        """Fills the free slots."""
        # A course whose end is being recorded still keeps its slot: the database may be slow to record it.
        concluding = sum(slot.concluding and not self._is_locked(slot) for slot in self._slots.values())
        # What waits for locks is in memory, so there is a limit to it too.
        free = min(self._process_slots.free - concluding, _MOST_HELD * self._settings.worker.slots - len(self._slots))
        if self._shutdown.is_set() or free <= 0 or not self._leases.proven:
            return
        permitted = self._breaker.permits_claim(free)
        if permitted == 0:
            return
        asked_at = time.monotonic()
        claims = await self._store.claim(
            self._worker,
            [*self._slots, *self._given_up],
            permitted,
            self._settings.course.max_attempts,
            self._settings.max_lessons,
        )
        self._breaker.follow(self._store.stop, asked_at)
        if not self._leases.proven:
            return  # the claim took too long; these are adopted when leases can be proven again
        for claim in claims:
            self._accepted.add(claim.course_id)
            task = asyncio.create_task(self._attempt(claim), name=f"course {claim.course_id}")
            self._slots[claim.lease_id] = _Slot(claim, task)
            task.add_done_callback(lambda _, lease=claim.lease_id: self._vacate(lease))  # type: ignore[misc]
        if claims:
            self._breaker.claimed()
            self._note_leases()
            self._wakeups.messages_waiting.ring()

    async def stop(self) -> None:
        """Ends claiming, lets lessons under way finish within the grace time, and hands back the rest."""
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
        """Makes one attempt at one course, from the claim to the last file."""
        structlog.contextvars.bind_contextvars(
            course_id=str(claim.course_id), request_id=claim.request_id, attempt=claim.attempt
        )
        _log.info("a course is claimed", action="course_claimed", saved_lessons=len(claim.saved_lessons))
        end = await self._runner.run(claim, partial(self._begin_conclusion, claim))
        if isinstance(end, Lost):
            return
        self._wakeups.messages_waiting.ring()
        if isinstance(end, Finished):
            await self._mirror_keeper.mirror(claim.course_id)
            self._wakeups.messages_waiting.ring()

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
        self._leases.held = frozenset(lease for lease, slot in self._slots.items() if not slot.concluding)
