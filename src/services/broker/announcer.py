"""Publishes messages that no outbox holds, as they are about courses that are written without the database."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from src.config import RabbitMQSettings
from src.domain.backoff import backoff
from src.domain.message import Message
from src.services.broker.messages import publication
from src.services.broker.publisher import Publisher, PublishResult
from src.services.broker.replies import ReplyPublisher

_log = structlog.get_logger(__name__)

_LONGEST_DELAY = 30.0


class Announcer:
    """Publishes until the broker has confirmed.

    After a crash a message may be published again, as the request that it is about is acknowledged only after it.
    """

    def __init__(self, publisher: Publisher, replies: ReplyPublisher, config: RabbitMQSettings) -> None:
        self._publisher = publisher
        self._replies = replies
        self._config = config

    async def announce(self, messages: Sequence[Message], wanted: Callable[[], bool] = lambda: True) -> bool:
        """Returns True once the broker has confirmed each of `messages`, however long that takes.

        Returns False as soon as they aren't `wanted` any more.
        """
        waiting, failures = list(messages), 0
        while wanted():
            # Replies last: what is settled when they are sent can't be kept back by their addresses.
            waiting.sort(key=lambda message: message.destination == "reply")
            results = await self._publish(waiting)
            left = [(message, each) for message, each in zip(waiting, results, strict=True) if not _done(message, each)]
            if not left:
                return True
            waiting = [message for message, _ in left]
            failures += 1
            delay = backoff(failures, 1.0, _LONGEST_DELAY)
            _log.error(
                "a message can't be published yet",
                action="publish_failed",
                error=", ".join(sorted({each.name.lower() for _, each in left})),
                retry_in=round(delay, 1),
            )
            await asyncio.sleep(delay)
        return False

    async def _publish(self, messages: Sequence[Message]) -> list[PublishResult]:
        """Publishes; `messages` has the replies last."""
        others = [publication(each, self._config) for each in messages if each.destination != "reply"]
        replies = [publication(each, self._config) for each in messages if each.destination == "reply"]
        results = await self._publisher.publish(others) if others else []
        return results + (await self._replies.publish(replies) if replies else [])


def _done(message: Message, result: PublishResult) -> bool:
    if result is PublishResult.CONFIRMED:
        return True
    if result is PublishResult.UNSENDABLE:
        _log.error("a message can't be published and is dropped", action="message_dropped", type=message.type)
        return True
    # A reply is a courtesy beside the status message, and no outbox holds it until its queue takes it.
    if message.destination != "reply" or result in (PublishResult.NOT_TRIED, PublishResult.LOST):
        return False
    _log.warning("the reply can't be delivered; it is dropped", action="reply_dropped", result=result.name.lower())
    return True
