"""The list of live worker processes and of the courses that they hold."""

import os
import socket
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

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

    def beat(self, patience: float) -> Collection[UUID]:
        """Says that this process lives, and returns the ids of its leases. Blocks; retries for `patience` seconds."""
        me = self._identity
        values = {
            "worker_id": me.id,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "version": me.version,
            "slots": me.slots,
            "lease": me.lease,
        }

        def work(connection: Connection) -> Collection[UUID]:
            connection.execute(sql("beat"), values)
            return frozenset(connection.execute(sql("held_leases"), {"worker_id": me.id}).scalars())

        return self._heart.run_blocking(work, patience)

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
        await self._execute("remove_worker", {"worker_id": self._identity.id})

    async def prune(self) -> None:
        """Takes processes off the list that were killed long ago."""
        await self._execute("prune_workers", {})

    async def _execute(self, name: str, values: dict[str, Any]) -> None:
        def work(connection: Connection) -> None:
            connection.execute(sql(name), values)

        await self._database.run(work)
