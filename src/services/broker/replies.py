"""Publishes replies, over connections of their own: where a reply goes is a stranger's choice, and may break one."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection

from src.config import RabbitMQSettings
from src.domain.message import is_direct
from src.services.broker.connection import close_quietly, connection_parameters, explain
from src.services.broker.publisher import Publication, Publisher, PublishResult, publish_on

_log = structlog.get_logger(__name__)

# How many connections share the direct replies. A bad address costs the one that it breaks some milliseconds.
_CONNECTIONS = 4


class ReplyPublisher:
    """Publishes to the queues that requesters named, and to RabbitMQ's direct reply-to. Call `start`, at last `stop`.

    A direct reply-to that the broker can't read makes it close the connection. So direct replies go over connections
    that last for one batch or until one breaks, and none waits for more than those of its own share.
    """

    def __init__(self, config: RabbitMQSettings, on_connected: Callable[[], object]) -> None:
        self._config = config
        self._named = Publisher(config, on_connected, "replies")
        self._threads = ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="direct-replies")

    @property
    def connected(self) -> bool:
        """Whether there is a connection to the broker for replies."""
        return self._named.connected

    def start(self) -> None:
        """Starts connecting."""
        self._named.start()

    def stop(self) -> None:
        """Ends the work and closes the connections."""
        self._named.stop()
        self._threads.shutdown(cancel_futures=True)

    async def publish(self, publications: Sequence[Publication], not_after: float = math.inf) -> list[PublishResult]:
        """Publishes; returns what became of each publication. A direct one is always `CONFIRMED`, if not `BROKEN`.

        Nothing is begun after the time `not_after`, by `time.monotonic`.
        """
        direct = [i for i, each in enumerate(publications) if is_direct(each.routing_key)]
        named = [i for i, each in enumerate(publications) if not is_direct(each.routing_key)]
        shares = [share for share in (direct[first::_CONNECTIONS] for first in range(_CONNECTIONS)) if share]
        loop = asyncio.get_running_loop()

        def chosen(share: Sequence[int]) -> list[Publication]:
            return [publications[i] for i in share]

        tasks = [loop.run_in_executor(self._threads, self._publish_directly, chosen(s), not_after) for s in shares]
        results = dict.fromkeys(range(len(publications)), PublishResult.NOT_TRIED)
        if named:
            results.update(zip(named, await self._named.publish(chosen(named), not_after), strict=True))
        for share, task in zip(shares, tasks, strict=True):
            results.update(zip(share, await task, strict=True))
        return list(results.values())

    def _publish_directly(self, publications: Sequence[Publication], not_after: float) -> list[PublishResult]:
        results: list[PublishResult] = []
        while len(results) < len(publications) and time.monotonic() <= not_after:
            before = len(results)
            try:
                connection = BlockingConnection(connection_parameters(self._config, "course-generator direct replies"))
            except Exception as error:
                text = explain(error, self._config)
                _log.warning("no connection for direct replies", action="direct_replies_wait", error=text)
                break
            try:
                channel = connection.channel()
                channel.confirm_delivery()
                _publish_until_broken(channel, publications, results, not_after)
            except Exception as error:
                _log.debug("a direct reply broke its connection", action="direct_reply_broken", error=repr(error))
                if len(results) == before:
                    break  # it broke before any message was tried
            finally:
                close_quietly(connection)
        return results + [PublishResult.NOT_TRIED] * (len(publications) - len(results))


def _publish_until_broken(
    channel: BlockingChannel, publications: Sequence[Publication], results: list[PublishResult], not_after: float
) -> None:
    """Adds to `results` what becomes of the publications after those that it has. Raises if the connection breaks."""
    for publication in publications[len(results) :]:
        if time.monotonic() > not_after:
            return
        results.append(PublishResult.BROKEN)
        results[-1] = publish_on(channel, publication, persistent=False)
