"""Messages that wait to be published."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from src.domain.message import SHORT_STRING_BYTES, Message, is_short
from src.services.database.connection import Database
from src.services.database.statements import sql


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMessage(Message):
    """A message as it waits in the outbox."""

    id: int
    course_id: UUID | None
    failures: int
    is_too_long: bool
    """Its body has more bytes than were asked for, and was left in the database."""


class Outbox:
    """The outbox, from which one worker publishes. Each call is one transaction."""

    def __init__(self, database: Database, worker_id: UUID) -> None:
        self._database = database
        self._worker_id = worker_id

    async def claim(
        self, limit: int, seconds: float, most_bytes: int, *, replies: bool, tried: bool
    ) -> list[OutboxMessage]:
        """Returns up to `limit` messages to publish now. They are this worker's for `seconds`, or until it is gone.

        `replies`: only replies, or only others. `tried`: those that failed before, or those that didn't. A message
        whose body is over `most_bytes` comes without it.
        """
        values = {
            "worker_id": self._worker_id,
            "limit": limit,
            "claim": seconds,
            "most_bytes": most_bytes,
            "replies": replies,
            "tried": tried,
        }

        def work(connection: Connection) -> list[OutboxMessage]:
            rows = connection.execute(sql("claim_messages"), values).mappings()
            messages = [OutboxMessage(**{**row, "body": bytes(row["body"] or b"")}) for row in rows]
            return sorted(messages, key=lambda message: message.id)

        return await self._database.run(work)

    async def published(self, ids: Sequence[int]) -> None:
        """Marks messages that the broker has confirmed."""
        await self._execute("mark_published", {"ids": list(ids)})

    async def unpublished(self, message_id: int, error: str, delay: float) -> None:
        """Puts a message that the broker wouldn't take off by `delay` seconds, if it is still this worker's."""
        values = {"id": message_id, "error": error, "delay": delay, "worker_id": self._worker_id}
        await self._execute("mark_unpublished", values)

    async def mark_dead(self, message_id: int, error: str) -> None:
        """Tries a message no more, if it is still this worker's."""
        await self._execute("mark_dead", {"id": message_id, "error": error, "worker_id": self._worker_id})

    async def unclaim(self, ids: Sequence[int]) -> None:
        """Gives back those of the messages, which were not tried, that are still this worker's."""
        await self._execute("unclaim_messages", {"ids": list(ids), "worker_id": self._worker_id})

    async def postpone(self, ids: Sequence[int], error: str, delay: float) -> None:
        """Puts messages that are still this worker's off by `delay` seconds, which counts as no failure."""
        values = {"ids": list(ids), "error": error, "delay": delay, "worker_id": self._worker_id}
        await self._execute("postpone_messages", values)

    async def prune(self, keep: float) -> None:
        """Deletes messages that were published more than `keep` seconds ago; results stay with their course."""
        await self._execute("prune_outbox", {"keep": keep})

    async def _execute(self, name: str, values: dict[str, Any]) -> None:
        def work(connection: Connection) -> None:
            connection.execute(sql(name), values)

        await self._database.run(work)


def put_messages(connection: Connection, messages: Iterable[Message]) -> None:
    """Puts messages into the outbox, in the caller's transaction."""
    for message in messages:
        connection.execute(sql("put_message"), {**asdict(message), "headers": json.dumps(message.headers)})


def put_event(
    connection: Connection,
    *,
    routing_key: str,
    order_key: str,
    message_id: UUID,
    type: str,
    body: bytes,
    correlation_id: str | None = None,
) -> None:
    """Puts an event into the outbox, in the transaction that it reports on. After its commit, ring `messages_waiting`.

    `body` is JSON. A unit of work that may run again has to make the `message_id` beforehand, so that the event is the
    same each time. Raises `ValueError` if `routing_key`, `type` or `correlation_id` has more than 255 bytes, for which
    AMQP has no room: such a message could never be sent.

    Events with one `order_key` are ordered by their row ids: transactions that put some at the same time must take
    turns, for example by locking the row that the events are about. Only one event of a key is on its way to the broker
    at a time, so use a key that is as narrow as the order that is needed.
    """
    for name, value in (("routing_key", routing_key), ("type", type), ("correlation_id", correlation_id)):
        if value is not None and not is_short(value):
            raise ValueError(f"{name}: {len(value.encode())} bytes, where at most {SHORT_STRING_BYTES} are allowed")
    event = Message(
        destination="event",
        routing_key=routing_key,
        order_key=order_key,
        message_id=message_id,
        correlation_id=correlation_id,
        type=type,
        body=body,
    )
    put_messages(connection, [event])
