"""Publishes what waits in the outbox."""

import asyncio
import time
from dataclasses import dataclass
from typing import Literal, assert_never

import structlog

from src.config import RabbitMQSettings
from src.domain.backoff import backoff
from src.services.broker.messages import publication
from src.services.broker.publisher import Publisher, PublishResult
from src.services.broker.replies import ReplyPublisher
from src.services.crash_points import crash_point
from src.services.database.outbox import Outbox, OutboxMessage
from src.services.duty import Duty

_log = structlog.get_logger(__name__)

_BATCH = 100
# Longer than publishing waits for a blocked connection, so that no other relay takes a message over meanwhile.
_CLAIM_SECONDS = 120.0
_LONGEST_DELAY = 60.0
# RabbitMQ 4 refuses messages over 16 MiB unless told otherwise, and earlier ones over 128 MiB, by closing the channel.
# No message of this program is half as long as this. https://www.rabbitmq.com/docs/configure
_MOST_BODY_BYTES = 1024 * 1024
# After so many tries, a quarter of an hour, a message is given up if the fault may be its own.
_MOST_TRIES = 20
# For so long others go first when the broker, and not the message, is in the way.
_POSTPONED_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Failure:
    message: OutboxMessage
    error: str
    hopeless: bool


class ResultRelay(Duty):
    """Claims messages, publishes them with confirms, then marks them as published.

    After a crash in between they are published again, with the same message_id.
    """

    def __init__(
        self,
        outbox: Outbox,
        publisher: Publisher | ReplyPublisher,
        config: RabbitMQSettings,
        interval: float,
        lease: float,
        *,
        replies: bool = False,
    ) -> None:
        """`lease` is the seconds after which other relays may take this worker's messages if it is suspended.

        With `replies` it publishes replies alone, and else all but them, so that the two share no connection.
        """
        super().__init__(interval)
        self._lease = lease
        self._outbox = outbox
        self._publisher = publisher
        self._config = config
        self._replies = replies

    async def turn(self) -> None:
        """Publishes until nothing is due, or the broker goes away."""
        while self._publisher.connected:
            # Others may take the messages a lease after the last heartbeat, which was a third of a lease ago at most.
            not_after = time.monotonic() + min(self._lease * 2 / 3, _CLAIM_SECONDS)
            messages = await self._claim(tried=False) or await self._claim(tried=True)
            if not messages:
                return
            short = [message for message in messages if not message.is_too_long]
            publications = [publication(message, self._config) for message in short]
            results = await self._publisher.publish(publications, not_after)
            crash_point("published")
            too_long = [(message, PublishResult.UNSENDABLE) for message in messages if message.is_too_long]
            if not await self._settle([*zip(short, results, strict=True), *too_long]):
                await asyncio.sleep(0.2)  # the publisher is about to notice that it has no connection
                return

    async def _claim(self, *, tried: bool) -> list[OutboxMessage]:
        # Those that failed before are tried by themselves, so that they keep no other waiting.
        return await self._outbox.claim(_BATCH, _CLAIM_SECONDS, _MOST_BODY_BYTES, replies=self._replies, tried=tried)

    async def _settle(self, results: list[tuple[OutboxMessage, PublishResult]]) -> bool:
        """Writes down what became of the messages; returns whether any was tried or postponed."""
        done: list[int] = []
        untried: list[int] = []
        postponed: list[int] = []
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
                case PublishResult.BROKEN if message.is_direct_reply:
                    _log.warning(
                        "the broker can't read the address of the reply; it is dropped",
                        action="reply_dropped",
                        **_fields(message),
                    )
                    done.append(message.id)
                case PublishResult.UNROUTABLE if message.destination == "event":
                    # An event needs no listener. The metrics count it even if the log leaves it out.
                    routing_key = message.routing_key
                    _log.debug("no queue takes the event", action="event_unrouted", routing_key=routing_key)
                    done.append(message.id)
                case PublishResult.UNROUTABLE | PublishResult.REFUSED | PublishResult.BROKEN | PublishResult.UNSENDABLE:
                    failed.append(_failure(message, result))
                case PublishResult.LOST:
                    # If it is so each time, nobody knows why, it shall keep no others waiting.
                    postponed.append(message.id)
                case PublishResult.NOT_TRIED if message.is_direct_reply:
                    # It needs a connection of its own. Those to queues behind it may well have one.
                    postponed.append(message.id)
                case PublishResult.NOT_TRIED:
                    untried.append(message.id)
                case _:
                    assert_never(result)
        if done:
            await self._outbox.published(done)
            _log.debug("messages are published", action="messages_published", number=len(done))
        if untried:
            await self._outbox.unclaim(untried)
        if postponed:
            await self._outbox.postpone(
                postponed, "there was no connection to the broker, or it was lost", _POSTPONED_SECONDS
            )
        for failure in failed:
            await self._put_off(failure)
        return len(untried) < len(results)

    async def _put_off(self, failure: _Failure) -> None:
        if failure.hopeless:
            _log.error(
                "a message can't be published and is given up; see the runbook",
                action="message_dead",
                error=failure.error,
                **_fields(failure.message),
            )
            await self._outbox.mark_dead(failure.message.id, failure.error)
            return
        delay = backoff(failure.message.failures + 1, 1.0, _LONGEST_DELAY)
        _log.error(
            "a message can't be published yet",
            action="publish_failed",
            error=failure.error,
            retry_in=round(delay, 1),
            **_fields(failure.message),
        )
        await self._outbox.unpublished(failure.message.id, failure.error, delay)


def _failure(
    message: OutboxMessage,
    result: Literal[PublishResult.UNROUTABLE, PublishResult.REFUSED, PublishResult.BROKEN, PublishResult.UNSENDABLE],
) -> _Failure:
    was_last = message.failures + 1 >= _MOST_TRIES
    match result:
        case PublishResult.UNROUTABLE:
            return _Failure(message, "no queue is bound to its routing key", False)
        case PublishResult.REFUSED:
            # A full queue is the operator's matter, and of a reply the requester's.
            return _Failure(message, "the broker refused it", was_last and message.destination == "reply")
        case PublishResult.BROKEN:
            return _Failure(message, "the connection broke over it", was_last)
        case PublishResult.UNSENDABLE:
            return _Failure(message, "AMQP has no room for it: a property or the body is too long", True)


def _fields(message: OutboxMessage) -> dict[str, str | None]:
    return {
        "course_id": str(message.course_id) if message.course_id else None,
        "destination": message.destination,
        "message_id": str(message.message_id),
    }
