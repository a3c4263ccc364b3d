"""Publishes messages that no outbox holds, as they are about courses that are written without the database."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from src.config import RabbitMQSettings
from src.domain.backoff import backoff
from src.domain.message import Message
from src.services.broker.messages import publication
from src.services.broker.publisher import Publisher, PublishResult

_log = structlog.get_logger(__name__)

_LONGEST_DELAY = 30.0


class Announcer:
    """Publishes until the broker has confirmed.

    After a crash a message may be published again, as the request that it is about is acknowledged only after it.
    """

    def __init__(self, publisher: Publisher, config: RabbitMQSettings) -> None:
        self._publisher = publisher
        self._config = config

    async def announce(self, messages: Sequence[Message], wanted: Callable[[], bool] = lambda: True) -> bool:
        """Returns True once the broker has confirmed each of `messages`, however long that takes.

        Returns False as soon as they aren't `wanted` any more.
        """
        waiting, failures = list(messages), 0
        while wanted():
            results = await self._publisher.publish([publication(message, self._config) for message in waiting])
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


def _done(message: Message, result: PublishResult) -> bool:
    if result is PublishResult.UNROUTABLE and message.destination == "reply":
        _log.warning("nobody waits for the reply; it is dropped", action="reply_dropped", destination="reply")
        return True
    return result is PublishResult.CONFIRMED
