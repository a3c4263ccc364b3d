"""What workers do with the database, one call at a time."""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from src.domain.course import Claim, Unusable
from src.domain.errors import TwinFound
from src.domain.request import DEFAULT_MAX_LESSONS
from src.services.database.connection import Database
from src.services.database.course_store import CourseStore
from src.services.database.model_stops import ANY_SERVER, ServerName
from src.services.database.outbox import Outbox, OutboxMessage
from src.services.database.user_limits import NO_LIMITS, UserLimits
from src.services.database.worker_registry import Rescue, WorkerIdentity, WorkerRegistry

LEASE = 30.0


def claim_messages(outbox: Outbox, limit: int = 10) -> list[OutboxMessage]:
    """Claims messages of any destination, in the order of their ids."""
    kinds = [(replies, tried) for replies in (False, True) for tried in (False, True)]
    claims = [outbox.claim(limit, 60, 2**20, replies=replies, tried=tried) for replies, tried in kinds]
    found = [message for claim in claims for message in asyncio.run(claim)]
    return sorted(found, key=lambda message: message.id)


@dataclass
class Peer:
    """A worker without slots and timers: the test makes its calls, and moves the time."""

    database: Database
    lease: float = LEASE
    id: UUID = field(default_factory=uuid4)
    limits: UserLimits = NO_LIMITS
    server: ServerName = ANY_SERVER

    def __post_init__(self) -> None:
        self.store = CourseStore(self.database, self.limits, self.server)
        identity = WorkerIdentity(self.id, "test", 10, self.lease)
        self.registry = WorkerRegistry(self.database, self.database, identity)
        self.outbox = Outbox(self.database, self.id)
        self.beat()

    def beat(self) -> set[UUID]:
        return set(self.registry.beat(patience=5))

    def claim(self, limit: int = 10, known: tuple[UUID, ...] = (), max_attempts: int = 3) -> list[Claim]:
        """Claims courses, and returns them. Fails if one of them can't be written."""
        claims = asyncio.run(
            self.store.claim(self.registry.membership, known, limit, max_attempts, DEFAULT_MAX_LESSONS)
        )
        assert not any(isinstance(claim, Unusable) for claim in claims)
        return [claim for claim in claims if isinstance(claim, Claim)]

    def claim_one(self) -> Claim:
        (claim,) = self.claim(limit=1)
        return claim

    def rescue(self, max_attempts: int = 3, course_deadline: float = 1800) -> list[Rescue]:
        return asyncio.run(self.registry.rescue(max_attempts, course_deadline))


def no_twin(error: TwinFound) -> None:
    """What a worker does about a twin where none can be."""
    raise error
