"""Requests that can't be taken in yet, because somebody holds a lock on rows of their user."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from uuid import UUID, uuid4

from sqlalchemy import Connection

from src.services.database.connection import Database
from src.services.database.statements import sql

# Of how many users the first request is looked at.
_USERS_AT_ONCE = 500
# How many sessions are named as those that may hold the lock.
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAsideRequest:
    """A message of the request queue, as it came."""

    id: int = 0
    """The number of its row; 0 if it has none yet."""
    user_id: UUID
    delivery_id: UUID
    body: bytes
    message_id: str | None
    correlation_id: str | None
    reply_to: str | None
    priority: int | None
    redelivered: bool


@dataclass(frozen=True, slots=True)
class LockHolder:
    """A session that holds a lock on courses."""

    pid: int
    role: str


class RequestsSetAside:
    """The requests that wait for a lock. Each call is one transaction, and takes no lock on courses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, request: SetAsideRequest, delay: float) -> None:
        """Keeps a request, which is due in `delay` seconds. After that its message can be acknowledged."""
        values = {**asdict(request), "delay": delay}
        await self._database.run(lambda connection: _execute(connection, "put_aside", values))

    async def take(self, limit: int, claim: float) -> list[SetAsideRequest]:
        """Returns the first due request of up to `limit` users. For `claim` seconds no other worker gets these."""

        def work(connection: Connection) -> list[SetAsideRequest]:
            values = {"first_user": uuid4(), "users": _USERS_AT_ONCE, "limit": limit, "claim": claim}
            rows = connection.execute(sql("take_aside"), values).mappings()
            return [SetAsideRequest(**{**row, "body": bytes(row["body"])}) for row in rows]

        return await self._database.run(work)

    async def delay(self, request: SetAsideRequest, seconds: float) -> None:
        """Puts off a request, and with it all others of its user, as only the first of each is taken."""
        values = {"id": request.id, "delay": seconds}
        await self._database.run(lambda connection: _execute(connection, "delay_aside", values))

    async def delete(self, request: SetAsideRequest) -> None:
        """Forgets a request that was taken in or refused."""
        await self._database.run(lambda connection: _execute(connection, "delete_aside", {"id": request.id}))

    async def holders(self) -> list[LockHolder]:
        """Returns the sessions that most probably hold what the requests wait for, at most three."""

        def work(connection: Connection) -> list[LockHolder]:
            rows = connection.execute(sql("lock_holders"), {"limit": _NAMED}).mappings()
            return [LockHolder(**row) for row in rows]

        return await self._database.run(work)


def _execute(connection: Connection, name: str, values: Mapping[str, object]) -> None:
    connection.execute(sql(name), values)
