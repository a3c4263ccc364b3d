"""Publishes replies, over connections of their own: where a reply goes is a stranger's choice, and may break one."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence

from src.config import RabbitMQSettings
from src.domain.message import is_direct
from src.services.broker.connection import BLOCKED_SECONDS, FAREWELL_SECONDS
from src.services.broker.direct_replies import DirectReplies
from src.services.broker.publisher import Publication, Publisher, PublishResult


class ReplyPublisher:
    """Publishes to the queues that requesters named, and to RabbitMQ's direct reply-to. Call `start`, at last `stop`.

    A direct reply-to that the broker can't read makes it close the connection. So direct replies go over connections
    that last for one batch or until one breaks, and none waits for more than those of its own share.
    """

    def __init__(
        self, config: RabbitMQSettings, on_connected: Callable[[], object], blocked: float = BLOCKED_SECONDS
    ) -> None:
        """An alarm may block the connection to queues for `blocked` seconds."""
        self._named = Publisher(config, on_connected, "replies", blocked)
        self._direct = DirectReplies(config)
        self._begun: list[float] = []

    @property
    def connected(self) -> bool:
        """Whether there is a connection to the broker for replies."""
        return self._named.connected

    @property
    def publishing_for(self) -> float:
        """Seconds for which the replies under way have been waiting for the broker; 0 if there are none."""
        return time.monotonic() - self._begun[0] if self._begun else 0.0

    def start(self) -> None:
        """Starts connecting."""
        self._named.start()
        self._direct.start()

    def stop(self) -> None:
        """Ends the work and closes the connections. Waits for the threads, but five seconds at most in all."""
        until = time.monotonic() + FAREWELL_SECONDS
        self._direct.stop()
        self._named.stop()
        self._direct.join(until)

    async def publish(self, publications: Sequence[Publication], not_after: float = math.inf) -> list[PublishResult]:
        """Publishes; returns what became of each publication. A direct one that nobody waits for is `CONFIRMED` too.

        Nothing is begun after the time `not_after`, by `time.monotonic`.
        """
        direct = [each for each in publications if is_direct(each.routing_key)]
        named = [each for each in publications if not is_direct(each.routing_key)]
        self._begun.append(began := time.monotonic())
        try:
            of_direct, of_named = await asyncio.gather(
                self._direct.publish(direct, not_after), self._publish_named(named, not_after)
            )
        finally:
            self._begun.remove(began)
        results = {True: iter(of_direct), False: iter(of_named)}
        return [next(results[is_direct(each.routing_key)]) for each in publications]

    async def _publish_named(self, publications: Sequence[Publication], not_after: float) -> list[PublishResult]:
        # Without any there is nothing to wait for.
        return await self._named.publish(publications, not_after) if publications else []
