import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest

from src.config import DatabaseSettings
from src.domain.course import Claim
from src.services.course_store import CourseStore
from src.services.database import Database
from src.services.worker_registry import Rescue, WorkerIdentity, WorkerRegistry
from tests.sql import Psql

LEASE = 30.0


@dataclass
class Peer:
    """A worker's dealings with the database, one call at a time, without slots or timers."""

    database: Database
    lease: float = LEASE
    id: UUID = field(default_factory=uuid4)

    def __post_init__(self) -> None:
        self.store = CourseStore(self.database)
        identity = WorkerIdentity(self.id, "test", 10, self.lease)
        self.registry = WorkerRegistry(self.database, self.database, identity)
        self.beat()

    def beat(self) -> set[UUID]:
        return set(self.registry.beat(patience=5))

    def claim(self, limit: int = 10, known: tuple[UUID, ...] = (), max_attempts: int = 3) -> list[Claim]:
        return asyncio.run(self.store.claim(self.id, known, limit, max_attempts))

    def claim_one(self) -> Claim:
        (claim,) = self.claim(limit=1)
        return claim

    def rescue(self, max_attempts: int = 3, course_deadline: float = 1800) -> list[Rescue]:
        return asyncio.run(self.registry.rescue(max_attempts, course_deadline))


@pytest.fixture
def peer(database: Database) -> Callable[..., Peer]:
    """Makes workers that share the test's database."""

    def make(**fields: Any) -> Peer:
        return Peer(database, **fields)

    return make


@pytest.fixture
def queue_course(psql: Psql) -> Callable[..., str]:
    """Queues a course by plain SQL and returns its id."""

    def insert(user_id: object = None, lessons: int = 2, title: str = "Cells") -> str:
        return psql.run(
            "INSERT INTO courses (user_id, topic, title, grade_level, total_lessons)"
            f" VALUES ('{user_id or uuid4()}', 'Cells', '{title}', 'Grade 8', {lessons}) RETURNING id"
        ).strip()

    return insert


@pytest.fixture
def other_database(database_settings: DatabaseSettings) -> Iterator[Database]:
    """A second pool on the test's database."""
    opened = Database(database_settings)
    yield opened
    opened.dispose()
