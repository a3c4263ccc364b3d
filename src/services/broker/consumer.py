"""Consumes a queue: a thread receives and acknowledges, the event loop decides."""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID, uuid4

import structlog
from pika import BasicProperties
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import AMQPError
from pika.spec import Basic

from src.config import RabbitMQSettings
from src.domain.request import WholeBody, kept
from src.domain.text import has_control_characters
from src.services.broker.connection import BrokerThread, declare_queue

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as it came, and how to acknowledge it. Call `acknowledge` from the event loop.

    A text property is None if it is absent, or not UTF-8, or has control characters, as PostgreSQL can't store NUL. Of
    a body that is too long only the beginning is kept, so that a few of them don't fill the memory.
    """

    body: bytes
    routing_key: str
    message_id: str | None
    correlation_id: str | None
    reply_to: str | None
    priority: int | None
    redelivered: bool
    is_current: Callable[[], bool]
    """Returns False once its channel is closed, as the broker has delivered the message again by then, or will."""
    acknowledge: Callable[[], None]
    cut_from: WholeBody | None = None
    """What the body was, if it is not all there."""
    header_names: frozenset[str] = frozenset()
    id: UUID = field(default_factory=uuid4)
    """An id made up here, which is the same however often this delivery is read."""


class Unacknowledged:
    """The delivery tags of one channel that are not acknowledged yet. The broker counts tags upwards from 1."""

    def __init__(self) -> None:
        self._tags: dict[int, None] = {}

    def add(self, tag: int) -> None:
        """Notes that a message was delivered."""
        self._tags[tag] = None

    def acknowledge(self, tags: Iterable[int]) -> list[tuple[int, bool]]:
        """Returns the fewest frames that acknowledge `tags` and nothing else, as (tag, multiple).

        `multiple` stands for every tag up to its own, so it ends below the first tag that stays unacknowledged.
        """
        done = sorted(self._tags.keys() & set(tags))
        for tag in done:
            del self._tags[tag]
        gap = next(iter(self._tags), math.inf)
        below = [tag for tag in done if tag < gap]
        above = [(tag, False) for tag in done if tag > gap]
        return [(below[-1], len(below) > 1), *above] if below else above


class _Line:
    """One channel. Its deliveries are acknowledged on it or nowhere: on another one their tags mean other messages."""

    def __init__(
        self, connection: BlockingConnection, channel: BlockingChannel, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._connection = connection
        self._channel = channel
        self._loop = loop
        self._unacknowledged = Unacknowledged()
        # Filled by the event loop, emptied by the thread.
        self._acknowledged: deque[int] = deque()
        self._is_called = False

    def delivery(self, method: Basic.Deliver, properties: BasicProperties, body: bytes) -> Delivery:
        """Returns a message that has come over this line. Call it from the thread."""
        tag = method.delivery_tag
        assert tag is not None
        self._unacknowledged.add(tag)
        body, cut_from = kept(body)
        return Delivery(
            body=body,
            cut_from=cut_from,
            header_names=frozenset(properties.headers or ()),
            routing_key=method.routing_key or "",
            message_id=_text(properties.message_id),
            correlation_id=_text(properties.correlation_id),
            reply_to=_text(properties.reply_to),
            priority=properties.priority,
            redelivered=bool(method.redelivered),
            is_current=lambda: self._channel.is_open,
            acknowledge=partial(self._acknowledge, tag),
        )

    def send(self) -> None:
        """Sends what was acknowledged since the last time. Call it from the thread."""
        tags = [self._acknowledged.popleft() for _ in range(len(self._acknowledged))]
        for tag, multiple in self._unacknowledged.acknowledge(tags):
            if self._channel.is_open:
                self._channel.basic_ack(tag, multiple)

    def _acknowledge(self, tag: int) -> None:
        self._acknowledged.append(tag)
        if not self._is_called:
            # What is acknowledged in one go, such as a batch, is brought to the thread in one go.
            self._is_called = True
            self._loop.call_soon(self._call)

    def _call(self) -> None:
        self._is_called = False
        try:
            self._connection.add_callback_threadsafe(self.send)
        except AMQPError:
            # The connection is gone: the message comes again, and is recognised.
            _log.info("a message can't be acknowledged and will come again", action="ack_missed")


class QueueConsumer(BrokerThread):
    """Receives the messages of one queue. Make it in the event loop.

    What isn't acknowledged when the connection breaks comes again over the next one.
    """

    def __init__(
        self,
        config: RabbitMQSettings,
        queue: str,
        prefetch: int,
        name: str = "consumer",
        routes: Sequence[str] = (),
    ) -> None:
        """`prefetch` limits the messages that are unacknowledged. `name` is for logs and the broker's tools.

        `routes` are routing keys with which the queue is bound to the exchange, and then it is declared. The queue of
        requests needs none: every connection declares it.
        """
        super().__init__(config, name)
        self._queue = queue
        self._routes = routes
        self._prefetch = prefetch
        self._loop = asyncio.get_running_loop()
        self._arrived: deque[Delivery] = deque()
        self._arrival = asyncio.Event()
        self._end_consuming: Callable[[], None] | None = None

    async def batch(self, limit: int, patience: float = 0.0) -> list[Delivery]:
        """Waits for a message; returns it with those that have arrived since, at most `limit` of them.

        If there are fewer, it waits up to `patience` seconds more for others. After `stop` it returns what there is, if
        anything. One caller at a time; a caller that is cancelled leaves all messages in their places.
        """
        await self._until_arrived(1)
        if patience > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._until_arrived(limit)
        return [self._arrived.popleft() for _ in range(min(limit, len(self._arrived)))]

    def put_back(self, delivery: Delivery) -> None:
        """Puts a message at the end of those that have arrived. Call it from the event loop."""
        self._arrived.append(delivery)
        self._arrival.set()

    async def _until_arrived(self, number: int) -> None:
        while len(self._arrived) < number and not self._stopping.is_set():
            self._arrival.clear()
            await self._arrival.wait()

    def _serve(self, connection: BlockingConnection, channel: BlockingChannel) -> None:
        if self._routes:
            channel = declare_queue(connection, channel, self._config, self._queue)
        for route in self._routes:
            channel.queue_bind(self._queue, self._config.exchange, route)
        line = _Line(connection, channel, self._loop)
        channel.basic_qos(prefetch_count=self._prefetch)
        channel.basic_consume(self._queue, partial(self._hand_over, line))
        self._end_consuming = partial(connection.add_callback_threadsafe, channel.stop_consuming)
        self._ready()
        if not self._stopping.is_set():
            channel.start_consuming()  # raises if the broker closes the channel
        line.send()
        if not self._stopping.is_set():
            # The broker cancels a subscription without an error, for example when the queue is deleted.
            raise ConnectionError("the broker cancelled the subscription")

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits in it
            self._loop.call_soon_threadsafe(self._arrival.set)
        if self._end_consuming is not None:
            with contextlib.suppress(AMQPError):  # the connection is gone already
                self._end_consuming()

    def _hand_over(
        self, line: _Line, _channel: BlockingChannel, method: Basic.Deliver, properties: BasicProperties, body: bytes
    ) -> None:
        self._loop.call_soon_threadsafe(self.put_back, line.delivery(method, properties, body))


def _text(value: object) -> str | None:
    # pika hands on as bytes what isn't UTF-8, which is no text.
    return value if isinstance(value, str) and value and not has_control_characters(value) else None
