"""Courses in the database, as a worker sees them.

Every write of an attempt goes through `_fenced`: it first locks the course and proves that the lease is still held.
"""

import asyncio
import json
import random
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

import structlog
from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import DBAPIError

from src.domain.course import Claim, Lease, Unusable
from src.domain.errors import ErrorCode, LeaseLost
from src.domain.finding import Finding
from src.domain.lesson import Lesson, lesson_id
from src.domain.markdown import lesson_markdown
from src.domain.model_call import ModelCall
from src.domain.outline import Outline
from src.domain.quality_figures import findings_json
from src.services.database.connection import Database, is_transient
from src.services.database.course_rows import claim_of
from src.services.database.statements import sql

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class CourseStore:
    """Each call is one transaction. All raise `LeaseLost` where they write for an attempt that lost its lease."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def claim(
        self, worker_id: UUID, known: Collection[UUID], limit: int, max_attempts: int, max_lessons: int
    ) -> list[Claim | Unusable]:
        """Up to `limit` courses for this worker, those first that are leased to it without being in `known`.

        One that asks for more than `max_lessons` is `Unusable`.
        """

        def work(connection: Connection) -> list[RowMapping]:
            owner = {"worker_id": worker_id, "known": [str(lease) for lease in known]}
            adopted = connection.execute(sql("adopt_courses"), {**owner, "limit": limit}).mappings().all()
            due = {"worker_id": worker_id, "limit": limit - len(adopted), "max_attempts": max_attempts}
            claimed = connection.execute(sql("claim_courses"), due).mappings().all()
            return [*adopted, *claimed]

        return [claim_of(row, max_lessons) for row in await self._database.run(work)]

    async def save_outline(
        self, claim: Claim, outline: Outline, calls: Sequence[ModelCall], findings: Sequence[Finding] = ()
    ) -> None:
        """Keeps the outline, and with it the course's title."""

        def work(connection: Connection) -> None:
            put_outline(connection, claim.course_id, outline, findings)

        await self._fenced(claim, calls, work)

    async def save_lesson(self, claim: Claim, lesson: Lesson, calls: Sequence[ModelCall]) -> None:
        """Keeps a finished lesson with its body and its checks."""

        def work(connection: Connection) -> None:
            put_lesson(connection, claim.course_id, lesson)

        await self._fenced(claim, calls, work)

    async def saved_contents(self, claim: Claim) -> dict[int, dict[str, Any]]:
        """The `content_json` of every lesson that is saved, by its number."""

        def work(connection: Connection) -> dict[int, dict[str, Any]]:
            rows = connection.execute(sql("saved_contents"), {"course_id": claim.course_id}).all()
            return {row.lesson_number: row.content_json for row in rows}

        return await self._patiently(claim.course_id, work)

    async def finish(self, claim: Lease, output_path: str | None, long_output_path: str | None) -> None:
        """READY, with the result in the outbox. Held there until `release_result` where there are files to write.

        `long_output_path` is taken where another course has `output_path` already.
        """

        def work(connection: Connection) -> None:
            paths = {"output_path": output_path, "long_output_path": long_output_path}
            done = connection.execute(sql("finish_course"), {"course_id": claim.course_id, **paths})
            if done.rowcount != 1:
                raise RuntimeError(f"course {claim.course_id} has not all of its lessons and can't be READY")

        await self._fenced(claim, (), work)

    async def fail(self, claim: Lease, code: ErrorCode, message: str, reason: str, calls: Sequence[ModelCall]) -> None:
        """FAILED, with the error in the outbox and the reason in the history."""

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
    ) -> None:
        """QUEUED again, due in `delay` seconds. `refund`: the attempt doesn't count. `postponed`: the model is away."""

        def work(connection: Connection) -> None:
            refunded = {"course_id": claim.course_id, "refund": int(refund)}
            connection.execute(sql("set_reason"), {"reason": reason})
            connection.execute(sql("release_lease"), {**refunded, "delay": delay, "postponed": postponed})
            connection.execute(sql("requeue_course"), refunded)

        await self._fenced(claim, calls, work)

    async def document(self, course_id: UUID) -> dict[str, Any] | None:
        """A READY course with its lessons, for the mirror; None where it is not READY or has no folder."""

        def work(connection: Connection) -> dict[str, Any] | None:
            course = connection.execute(sql("course_document"), {"course_id": course_id}).mappings().one_or_none()
            if course is None:
                return None
            lessons = connection.execute(sql("course_lessons"), {"course_id": course_id}).mappings().all()
            return {**course, "lessons": [dict(lesson) for lesson in lessons]}

        return await self._database.run(work)

    async def release_result(self, course_id: UUID, *, mirrored: bool) -> None:
        """Lets the held result go: the files are written (`mirrored`), or couldn't be at the first try."""

        def work(connection: Connection) -> None:
            if mirrored:
                connection.execute(sql("mark_mirrored"), {"course_id": course_id})
            connection.execute(sql("release_result"), {"course_id": course_id})

        await self._database.run(work)

    async def unmirrored(self, older_than: float, limit: int) -> list[UUID]:
        """READY courses whose files are owed for more than `older_than` seconds."""
        values = {"older_than": older_than, "limit": limit}
        return await self._database.run(
            lambda connection: list(connection.execute(sql("unmirrored_courses"), values).scalars())
        )

    async def backlog(self) -> dict[str, float]:
        """What waits in the database: courses, messages, files; see backlog.sql. Asks once, for the metrics."""
        return await self._database.run(
            lambda connection: dict(connection.execute(sql("backlog")).mappings().one()), patience=0
        )

    async def _fenced(self, claim: Lease, calls: Sequence[ModelCall], work: Callable[[Connection], None]) -> None:
        last_try: str | None = None

        def unit(connection: Connection) -> None:
            nonlocal last_try
            lease = {"course_id": claim.course_id, "lease_id": claim.lease_id}
            held, transaction = connection.execute(sql("hold_lease"), lease).one()
            if not held:
                # The end of an attempt ends its lease: it may have been this, with only the confirmation lost.
                if last_try and connection.execute(sql("was_committed"), {"transaction": last_try}).scalar_one():
                    return
                raise LeaseLost(f"the lease of attempt {claim.attempt} at course {claim.course_id} is gone")
            last_try = transaction
            for call in calls:
                put_call(connection, claim.course_id, claim.attempt, call)
            work(connection)

        await self._patiently(claim.course_id, unit)

    async def _patiently(self, course_id: UUID, unit: Callable[[Connection], T]) -> T:
        # The lessons of a course would wait for its row anyway: here they keep no more than one database thread busy.
        turn = self._turns.setdefault(course_id, asyncio.Lock())
        while True:
            try:
                async with turn:
                    return await self._database.run(unit)
            except DBAPIError as error:
                # What was paid for is not given up for an outage. When it lasts longer than the lease can be proven,
                # the heartbeat cancels the slot, and with it this loop.
                if not is_transient(error):
                    raise
                _log.warning("the database is away; the course waits", action="database_away", error=str(error.orig))
                await asyncio.sleep(random.uniform(0.5, 2))


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


def put_lesson(connection: Connection, course_id: UUID, lesson: Lesson, generated_at: datetime | None = None) -> None:
    """Writes a lesson with its body and its checks. `generated_at`: None is now."""
    content = lesson.content_json()
    checks = [{"q_order": number, **check} for number, check in enumerate(lesson.checks(), start=1)]
    connection.execute(
        sql("save_lesson"),
        {
            "lesson_id": lesson_id(course_id, lesson.plan.lesson_number),
            "course_id": course_id,
            "lesson_number": lesson.plan.lesson_number,
            "title": lesson.plan.title,
            "description": lesson.plan.description,
            "key_concepts": list(lesson.plan.key_concepts),
            "learning_objectives": list(lesson.plan.learning_objectives),
            "sources": list(lesson.sources),
            "content_md": lesson_markdown(content),
            "content_json": json.dumps(content),
            "checks": json.dumps(checks),
            "references": json.dumps(content["references"]),
            "generated_at": generated_at,
            "quality": json.dumps(lesson.quality.as_json()),
            "written_by": lesson.origin.model,
            "prompt_version": lesson.origin.prompt_version,
            "prompt_digest": lesson.origin.prompt_digest,
        },
    )


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
        },
    )
