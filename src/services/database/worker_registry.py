"""Live worker processes and what they hold."""

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
    """A process. The id is new with each start: two containers may share a host name, and pids come again."""

    id: UUID
    version: str
    slots: int
    lease: float
    """Seconds it may go unseen before its courses are taken from it."""


@dataclass(frozen=True, slots=True)
class Rescue:
    """A course that was taken from a worker that is gone."""

    course_id: UUID
    status: CourseStatus
    """QUEUED to be tried again, or FAILED without an attempt left."""
    attempt: int
    worker: UUID | None


class WorkerRegistry:
    """Each call is one transaction.

    `heart` is a database pool of its own for the heartbeat, so that no other work can keep a beat waiting.
    """

    def __init__(self, database: Database, heart: Database, identity: WorkerIdentity) -> None:
        self._database = database
        self._heart = heart
        self._identity = identity

    def beat(self, patience: float) -> Collection[UUID]:
        """Says that this process lives, and returns the leases it holds. Blocks; retries for `patience` seconds."""
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
        """Takes courses from workers that are gone, if this process may judge. `course_deadline` in seconds."""
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
        """Takes this process off the list, after it has handed back everything."""
        await self._execute("remove_worker", {"worker_id": self._identity.id})

    async def prune(self) -> None:
        """Takes processes off the list that were killed long ago."""
        await self._execute("prune_workers", {})

    async def _execute(self, name: str, values: dict[str, Any]) -> None:
        def work(connection: Connection) -> None:
            connection.execute(sql(name), values)

        await self._database.run(work)
