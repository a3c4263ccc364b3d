"""Publishes what waits in the outbox."""

import asyncio
import time
from dataclasses import dataclass
from typing import assert_never

import structlog

from src.config import RabbitMQSettings
from src.domain.backoff import backoff
from src.services.broker.messages import publication
from src.services.broker.publisher import Publisher, PublishResult
from src.services.crash_points import crash_point
from src.services.database.outbox import Outbox, OutboxMessage
from src.services.duty import Duty

_log = structlog.get_logger(__name__)

_BATCH = 100
# Longer than publishing waits for a blocked connection, so that no other relay takes a message over meanwhile.
_CLAIM_SECONDS = 120.0
_LONGEST_DELAY = 60.0


@dataclass(frozen=True, slots=True)
class _Failure:
    message: OutboxMessage
    error: str


class ResultRelay(Duty):
    """Claims messages, publishes them with confirms, then marks them as published.

    After a crash in between they are published again, with the same message_id.
    """

    def __init__(
        self, outbox: Outbox, publisher: Publisher, config: RabbitMQSettings, interval: float, lease: float
    ) -> None:
        """`lease` is the seconds after which other relays may take this worker's messages if it is suspended."""
        super().__init__(interval)
        self._lease = lease
        self._outbox = outbox
        self._publisher = publisher
        self._config = config

    async def turn(self) -> None:
        """Publishes until nothing is due, or the broker goes away."""
        while self._publisher.connected:
            # Others may take the messages a lease after the last heartbeat, which was a third of a lease ago at most.
            not_after = time.monotonic() + min(self._lease * 2 / 3, _CLAIM_SECONDS)
            messages = await self._outbox.claim(_BATCH, _CLAIM_SECONDS)
            if not messages:
                return
            publications = [publication(message, self._config) for message in messages]
            results = await self._publisher.publish(publications, not_after)
            crash_point("published")
            await self._settle(list(zip(messages, results, strict=True)))

    async def _settle(self, results: list[tuple[OutboxMessage, PublishResult]]) -> None:
        done: list[int] = []
        untried: list[int] = []
        failed: list[_Failure] = []
        for message, result in results:
            match result:
                case PublishResult.CONFIRMED:
                    done.append(message.id)
                case PublishResult.UNROUTABLE if message.destination == "reply":
                    _log.warning(
                        "nobody waits for the reply; it is dropped", action="reply_dropped", **_fields(message)
                    )
                    done.append(message.id)
                case PublishResult.UNROUTABLE if message.destination == "event":
                    # An event needs no listener. The metrics count it even if the log leaves it out.
                    routing_key = message.routing_key
                    _log.debug("no queue takes the event", action="event_unrouted", routing_key=routing_key)
                    done.append(message.id)
                case PublishResult.UNROUTABLE:
                    failed.append(_Failure(message, "no queue is bound to its routing key"))
                case PublishResult.REFUSED:
                    failed.append(_Failure(message, "the broker refused it"))
                case PublishResult.BROKEN:
                    failed.append(_Failure(message, "the connection broke over it"))
                case PublishResult.NOT_TRIED:
                    untried.append(message.id)
                case _:
                    assert_never(result)
        if done:
            await self._outbox.published(done)
            _log.debug("messages are published", action="messages_published", number=len(done))
        if untried:
            await self._outbox.unclaim(untried)
        for failure in failed:
            delay = backoff(failure.message.failures + 1, 1.0, _LONGEST_DELAY)
            _log.error(
                "a message can't be published yet",
                action="publish_failed",
                error=failure.error,
                retry_in=round(delay, 1),
                **_fields(failure.message),
            )
            await self._outbox.unpublished(failure.message.id, failure.error, delay)
        if len(untried) == len(results):
            await asyncio.sleep(0.2)  # the publisher is about to notice that it has no connection


def _fields(message: OutboxMessage) -> dict[str, str | None]:
    return {
        "course_id": str(message.course_id) if message.course_id else None,
        "destination": message.destination,
        "message_id": str(message.message_id),
    }
