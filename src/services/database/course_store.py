"""Courses in the database, as a worker sees them.

Every write of an attempt goes through `_fenced`, which first locks the course and proves that the lease is still held.
"""

import asyncio
import json
import random
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar
from uuid import UUID, uuid4
from weakref import WeakValueDictionary

import structlog
from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import DBAPIError

from src.domain.course import LONGEST_DELAY, Claim, Lease, Stop, StopKind, Unusable
from src.domain.course_json import course_of_row, lesson_of_row, lesson_record
from src.domain.errors import ErrorCode, LeaseLost
from src.domain.finding import Finding
from src.domain.lesson import Lesson, lesson_id
from src.domain.model_call import ModelCall
from src.domain.outline import Outline
from src.domain.quality_figures import findings_json
from src.domain.stored_course import StoredCourse, StoredLesson, stored_lesson
from src.services.database.connection import Database, is_locked, is_transient
from src.services.database.course_rows import claim_of
from src.services.database.model_stops import (
    ANY_SERVER,
    ServerName,
    begin_stop,
    note_answers,
    stop_of,
    take_trial,
)
from src.services.database.statements import sql
from src.services.database.user_limits import NO_LIMITS, UserLimits, fail_beyond_limits
from src.services.database.worker_registry import Membership

T = TypeVar("T")

_log = structlog.get_logger(__name__)

# How many courses get their turns before a claim, and of how many users.
_TURNS_AT_ONCE = 1000
_USERS_AT_ONCE = 500
# How many of one user are looked at if there are limits: what is beyond them goes faster than what gets its turn.
_JUDGED_AT_ONCE = 100


class CourseStore:
    """The courses in the database. Each call is one transaction.

    Calls that write for an attempt raise `LeaseLost` if it has lost its lease.
    """

    def __init__(self, database: Database, limits: UserLimits = NO_LIMITS, server: ServerName = ANY_SERVER) -> None:
        """`limits` are those of courses that are queued by plain SQL; intake sees to the others.

        `server` is the model's, which stops are on record for.
        """
        self._database = database
        self._limits = limits
        self._server = server
        self.stop: Stop | None = None
        """Why no course was claimed, when `claim` was called last; None if nothing stood in the way."""
        self.locked: set[UUID] = set()
        """Courses that can't be written now, because somebody else holds a lock on them. What is to be saved waits."""
        self._turns: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def claim(
        self,
        worker: Membership,
        known: Collection[UUID],
        limit: int,
        max_attempts: int,
        max_lessons: int,
    ) -> list[Claim | Unusable]:
        """Returns up to `limit` courses for this worker: first those leased to it without its knowledge.

        If a copy of its process has beaten since its own last beat, it gets none. `known`: ids of the leases that the
        worker knows of. A course that asks for more than `max_lessons` is `Unusable`.
        """

        # Somewhere else each time, so that however many users there are, none is always left out.
        of_each = max(limit, _JUDGED_AT_ONCE if self._limits.are_set else 1)
        turns = {"first_user": uuid4(), "users": _USERS_AT_ONCE, "of_each": of_each, "limit": _TURNS_AT_ONCE}

        def give_turns(connection: Connection) -> None:
            new = [str(course_id) for course_id in connection.execute(sql("courses_without_turn"), turns).scalars()]
            if new and (permitted := fail_beyond_limits(connection, self._limits, new)):
                connection.execute(sql("give_turns"), {"courses": permitted})

        def work(connection: Connection) -> list[RowMapping]:
            owner = {"worker_id": worker.id, "tokens": worker.tokens}
            unknown = {**owner, "server": self._server.name, "known": [str(lease) for lease in known], "limit": limit}
            adopted = connection.execute(sql("adopt_courses"), unknown).mappings().all()
            stop, room, only = stop_of(connection, self._server), limit - len(adopted), None
            if stop is not None:
                only = take_trial(connection, self._server, max_attempts) if room else None
                room = 1 if only else 0
            due = {
                **owner,
                "server": self._server.name,
                "limit": room,
                "only": only,
                "trial_since": stop and stop.since,
                "max_attempts": max_attempts,
                "longest_delay": LONGEST_DELAY,
            }
            claimed = connection.execute(sql("claim_courses"), due).mappings().all()
            self.stop = stop
            return [*adopted, *claimed]

        await self._database.run(give_turns)
        return [claim_of(row, max_lessons) for row in await self._database.run(work)]

    async def save_outline(
        self, claim: Claim, outline: Outline, calls: Sequence[ModelCall], findings: Sequence[Finding] = ()
    ) -> None:
        """Saves the outline, and with it the course's title."""

        def work(connection: Connection) -> None:
            put_outline(connection, claim.course_id, outline, findings)

        await self._fenced(claim, calls, work)

    async def save_lesson(self, claim: Claim, lesson: Lesson, calls: Sequence[ModelCall]) -> None:
        """Saves a finished lesson with its body, citations and questions."""

        stored = stored_lesson(lesson)

        def work(connection: Connection) -> None:
            put_lesson(connection, claim.course_id, stored)

        await self._fenced(claim, calls, work)

    async def stored_lessons(self, claim: Claim) -> list[StoredLesson]:
        """Returns the lessons that are saved, in order."""
        return await self._patiently(claim.course_id, lambda connection: stored_lessons(connection, claim.course_id))

    async def finish(self, claim: Lease, output_path: str | None, long_output_path: str | None) -> None:
        """Makes the course READY and puts its result into the outbox. Raises `RuntimeError` if a lesson is missing.

        If there are files to write, the result is held back until `release_result`. `long_output_path` is taken if
        another course has `output_path` already.
        """

        def work(connection: Connection) -> None:
            paths = {"output_path": output_path, "long_output_path": long_output_path}
            done = connection.execute(sql("finish_course"), {"course_id": claim.course_id, **paths})
            if done.rowcount != 1:
                raise RuntimeError(f"course {claim.course_id} has not all of its lessons and can't be READY")

        await self._fenced(claim, (), work)

    async def fail(self, claim: Lease, code: ErrorCode, message: str, reason: str, calls: Sequence[ModelCall]) -> None:
        """Makes the course FAILED, with the error in the outbox and the reason in the history."""

        def work(connection: Connection) -> None:
            connection.execute(sql("set_reason"), {"reason": reason})
            values = {"course_id": claim.course_id, "error_code": code.value, "error_message": message}
            connection.execute(sql("fail_course"), values)

        await self._fenced(claim, calls, work)

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
        """Makes the course QUEUED again, due in `delay` seconds.

        `refund`: the attempt doesn't count. `postponed`: the model or the sources were away. `stop`: why none can be
        written; if other processes meet that too, none is claimed until a course that is let through is answered.
        """

        def work(connection: Connection) -> None:
            refunded = {"course_id": claim.course_id, "refund": int(refund)}
            connection.execute(sql("set_reason"), {"reason": reason})
            connection.execute(sql("release_lease"), {**refunded, "delay": delay, "postponed": postponed})
            connection.execute(sql("requeue_course"), refunded)
            if stop is not None and not (found := Stop(stop, reason)).is_local:
                begin_stop(connection, self._server, claim, found, calls)

        await self._fenced(claim, calls, work)

    async def stored_course(self, course_id: UUID) -> StoredCourse | None:
        """Returns a READY course with its lessons, for the mirror; None if it is not READY or has no folder."""

        def work(connection: Connection) -> StoredCourse | None:
            row = connection.execute(sql("stored_course"), {"course_id": course_id}).one_or_none()
            return None if row is None else course_of_row(row._asdict(), stored_lessons(connection, course_id))

        return await self._database.run(work)

    async def release_result(self, course_id: UUID, *, mirrored: bool) -> None:
        """Holds the result back no longer: the files are written (`mirrored`), or couldn't be at the first try."""

        def work(connection: Connection) -> None:
            if mirrored:
                connection.execute(sql("mark_mirrored"), {"course_id": course_id})
            connection.execute(sql("release_result"), {"course_id": course_id})

        await self._database.run(work)

    async def unmirrored(self, older_than: float, limit: int) -> list[UUID]:
        """Returns the ids of up to `limit` courses that are READY for `older_than` seconds, but have no files yet."""
        values = {"older_than": older_than, "limit": limit}
        return await self._database.run(
            lambda connection: list(connection.execute(sql("unmirrored_courses"), values).scalars())
        )

    async def _fenced(self, claim: Lease, calls: Sequence[ModelCall], work: Callable[[Connection], None]) -> None:
        last_try: str | None = None

        def unit(connection: Connection) -> None:
            nonlocal last_try
            lease = {"course_id": claim.course_id, "lease_id": claim.lease_id}
            held, transaction = connection.execute(sql("hold_lease"), lease).one()
            if not held:
                # A try of this unit that ended the attempt, and so its lease, may have lost only its confirmation.
                if last_try and connection.execute(sql("was_committed"), {"transaction": last_try}).scalar_one():
                    return
                raise LeaseLost(f"the lease of attempt {claim.attempt} at course {claim.course_id} is gone")
            last_try = transaction
            for call in calls:
                put_call(connection, claim.course_id, claim.attempt, call)
            note_answers(connection, self._server, claim, calls)
            work(connection)

        await self._patiently(claim.course_id, unit)

    async def _patiently(self, course_id: UUID, unit: Callable[[Connection], T]) -> T:
        # The lessons of a course have to wait for its row anyway. If they wait here, they keep only one thread busy.
        turn = self._turns.setdefault(course_id, asyncio.Lock())
        try:
            while True:
                try:
                    async with turn:
                        return await self._database.run(unit)
                except DBAPIError as error:
                    # An outage is no reason to give up what was paid for. If it lasts longer than the lease can be
                    # proven, the heartbeat cancels the slot, and with it this loop.
                    if not is_transient(error):
                        raise
                    self._say_waiting(course_id, error)
                    await asyncio.sleep(random.uniform(0.5, 2))
        finally:
            self.locked.discard(course_id)

    def _say_waiting(self, course_id: UUID, error: DBAPIError) -> None:
        if is_locked(error):
            self.locked.add(course_id)
            _log.warning("somebody has locked the course; it waits", action="course_locked", error=str(error.orig))
        else:
            _log.warning("the database is away; the course waits", action="database_away", error=str(error.orig))


def put_outline(connection: Connection, course_id: UUID, outline: Outline, findings: Sequence[Finding]) -> None:
    """Writes the outline, and with it the course's title."""
    connection.execute(
        sql("save_outline"),
        {
            "course_id": course_id,
            "title": outline.title,
            "outline": outline.model_dump_json(),
            "total_lessons": len(outline.lessons),
            "findings": json.dumps(findings_json(findings)),
        },
    )


def put_lesson(connection: Connection, course_id: UUID, lesson: StoredLesson, under_id: UUID | None = None) -> None:
    """Writes a lesson with its body, citations and questions.

    Without `under_id` its id follows from the course and the number, so that writing it again changes nothing.
    """
    record = lesson_record(lesson, course_id, under_id or lesson_id(course_id, lesson.lesson_number))
    connection.execute(sql("save_lesson"), {"lesson": json.dumps(record)})


def stored_lessons(connection: Connection, course_id: UUID) -> list[StoredLesson]:
    """Returns the lessons of a course, in order."""
    rows = connection.execute(sql("stored_lessons"), {"course_id": course_id})
    return [lesson_of_row(row._asdict()) for row in rows]


def put_call(connection: Connection, course_id: UUID, attempt: int, call: ModelCall) -> None:
    """Records one call to the model."""
    connection.execute(
        sql("record_model_call"),
        {
            "course_id": course_id,
            "attempt": attempt,
            "id": call.id,
            "purpose": call.purpose,
            "lesson_number": call.lesson_number,
            "model": call.model,
            "input_tokens": call.input_tokens,
            "cached_tokens": call.cached_tokens,
            "output_tokens": call.output_tokens,
            "cost": call.cost,
            "seconds": call.seconds,
            "outcome": call.outcome,
            "budget_tokens": call.budget_tokens,
            "repair": call.repair,
        },
    )
