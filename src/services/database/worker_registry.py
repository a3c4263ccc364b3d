"""The list of live worker processes and of the courses that they hold."""

import os
import socket
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection

from src.domain.errors import TwinFound
from src.domain.status import CourseStatus
from src.services.database.connection import Database
from src.services.database.statements import sql


@dataclass(frozen=True, slots=True)
class WorkerIdentity:
    """A worker process. Its id is new with each start: containers may share a host name, and pids are used again."""

    id: UUID
    version: str
    slots: int
    lease: float
    """Seconds for which it may go unseen before its courses are taken from it."""


class Membership:
    """By what a process shows that a row of the list is its own: the id, and a token that is new with each beat.

    A copy of the process (a cloned container) has the same id. But from the first beat on, only one of the two knows
    the token that stands in the row.
    """

    def __init__(self, worker_id: UUID) -> None:
        self.id = worker_id
        self._last: UUID | None = None
        self._next: UUID | None = None

    @property
    def tokens(self) -> list[str]:
        """What may stand in the row: that of the last beat, and that of one that may have been committed since."""
        return [str(token) for token in (self._last, self._next) if token is not None]

    def next_token(self) -> UUID:
        """Returns that of the beat that is about to be made, which stays the same until it is `confirmed`."""
        # Not made ahead, or a copy had it too.
        self._next = self._next or uuid4()
        return self._next

    def confirmed(self) -> None:
        """Notes that the beat was committed."""
        self._last, self._next = self._next, None


@dataclass(frozen=True, slots=True)
class Rescue:
    """A course that was taken from its worker."""

    course_id: UUID
    status: CourseStatus
    """QUEUED if it is tried again, FAILED if it has no attempt left."""
    attempt: int
    worker: UUID | None


class WorkerRegistry:
    """The list of workers as one of them uses it. Each call is one transaction.

    `heart` is a pool of connections for the heartbeat alone, so that no other work can keep a beat waiting.
    """

    def __init__(self, database: Database, heart: Database, identity: WorkerIdentity) -> None:
        self._database = database
        self._heart = heart
        self._identity = identity
        self.membership = Membership(identity.id)

    def beat(self, patience: float) -> Collection[UUID]:
        """Says that this process lives, and returns the ids of its leases. Blocks; retries for `patience` seconds.

        Raises `TwinFound` if another process has the same id.
        """
        me = self._identity
        values = {
            "worker_id": me.id,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "version": me.version,
            "slots": me.slots,
            "lease": me.lease,
            "token": self.membership.next_token(),
            "tokens": self.membership.tokens,
        }

        def work(connection: Connection) -> Collection[UUID]:
            if connection.execute(sql("beat"), values).rowcount != 1:
                raise TwinFound(
                    f"another process has the id {me.id} of this worker, as a copy of a running container has: start a"
                    " new one instead of a copy"
                )
            return frozenset(connection.execute(sql("held_leases"), {"worker_id": me.id}).scalars())

        leases = self._heart.run_blocking(work, patience)
        self.membership.confirmed()
        return leases

    async def rescue(self, max_attempts: int, course_deadline: float, limit: int = 100) -> list[Rescue]:
        """Takes courses from workers that are gone, or that have had them for longer than `course_deadline` seconds.

        It takes none if this process itself was cut off too lately to judge; see rescue_courses.sql.
        """
        values = {
            "worker_id": self._identity.id,
            "lease": self._identity.lease,
            "max_attempts": max_attempts,
            "course_deadline": course_deadline,
            "limit": limit,
        }

        def work(connection: Connection) -> list[Rescue]:
            connection.execute(sql("set_reason"), {"reason": "rescued: its worker is gone, or had it for too long"})
            rows = connection.execute(sql("rescue_courses"), values).mappings()
            return [Rescue(**{**row, "status": CourseStatus(row["status"])}) for row in rows]

        return await self._database.run(work)

    async def remove(self) -> None:
        """Takes this process, which has handed back everything, off the list."""
        await self._execute("remove_worker", {"worker_id": self._identity.id, "tokens": self.membership.tokens})

    async def prune(self) -> None:
        """Takes processes off the list that were killed long ago, and deletes stops that nobody looks at any more."""
        await self._execute("prune_workers", {})
        await self._execute("prune_stops", {})

    async def _execute(self, name: str, values: dict[str, Any]) -> None:
        def work(connection: Connection) -> None:
            connection.execute(sql(name), values)

        await self._database.run(work)
