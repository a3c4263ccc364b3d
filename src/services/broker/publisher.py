"""Publishes messages from a thread that owns one connection, and waits for a confirm of each that must arrive."""

import asyncio
import contextlib
import math
import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

import pika
import structlog
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import (
    AMQPConnectionError,
    ChannelClosedByBroker,
    ChannelWrongStateError,
    ConnectionClosedByBroker,
    NackError,
    UnroutableError,
)

from src.config import RabbitMQSettings
from src.domain.message import is_short
from src.services.broker.connection import BLOCKED_SECONDS, BrokerThread

_log = structlog.get_logger(__name__)

# With so many jobs waiting the connection must be blocked, and messages on best effort are dropped.
_MOST_WAITING = 1000
# With these codes a broker closes a connection over what was sent: it can't read it (501 to 505), can't do it (540), or
# failed over it (541, as RabbitMQ does over a direct reply-to that it can't read). With others, such as 320 when it is
# stopped, and without any, it is for reasons of its own. https://www.rabbitmq.com/amqp-0-9-1-reference#constants
_OVER_WHAT_WAS_SENT = {501, 502, 503, 504, 505, 540, 541}
# The properties go in one frame, which has 128 KiB at most unless the broker is told otherwise; some of it is for what
# is around them. https://www.rabbitmq.com/docs/configure
_MOST_PROPERTY_BYTES = 127 * 1024


@dataclass(frozen=True, slots=True)
class Publication:
    """One message for the broker. If `mandatory`, it must reach a queue."""

    exchange: str
    routing_key: str
    body: bytes
    type: str
    content_type: str = "application/json"
    message_id: str | None = None
    correlation_id: str | None = None
    headers: dict[str, Any] = field(default_factory=dict)
    mandatory: bool = True


class PublishResult(Enum):
    """What became of a publication."""

    CONFIRMED = auto()
    UNROUTABLE = auto()
    REFUSED = auto()
    """The broker sent a nack: a queue is full or has trouble."""
    BROKEN = auto()
    """The broker closed the connection or channel while it was published, perhaps over it. It may have arrived."""
    LOST = auto()
    """The connection was lost while it was published, for another reason, such as an alarm. It may have arrived."""
    UNSENDABLE = auto()
    """AMQP has no room for a property or the routing key, however often it is tried."""
    NOT_TRIED = auto()
    """There was no connection, or its time was over."""


@dataclass(frozen=True, slots=True)
class Job:
    """Publications for a thread, and the future that the event loop waits for."""

    publications: Sequence[Publication]
    confirmed: bool
    not_after: float
    """The time, by `time.monotonic`, after which nothing is published."""
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[list[PublishResult]]"

    def resolve(self, results: list[PublishResult]) -> None:
        """Says what became of the first publications; the others were not tried. Call it from any thread."""
        untried = len(self.publications) - len(results)
        whole = results + [PublishResult.NOT_TRIED] * untried

        def resolve() -> None:
            if not self.done.done():
                self.done.set_result(whole)

        with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits in it
            self.loop.call_soon_threadsafe(resolve)


class Publisher(BrokerThread):
    """The thread that publishes. Call `start`, then `publish`, at the end `stop`.

    Jobs reach the thread through a queue; between jobs pika can send its heartbeats. While there is no connection, and
    after the end, jobs are answered with `NOT_TRIED`.
    """

    def __init__(
        self,
        config: RabbitMQSettings,
        on_connected: Callable[[], object],
        name: str = "publisher",
        blocked: float = BLOCKED_SECONDS,
    ) -> None:
        """`name` is for logs and the broker's tools. An alarm may block the connection for `blocked` seconds."""
        super().__init__(config, name, blocked)
        self._on_connected = on_connected
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._job_since: float | None = None
        self._broke_over_a_message = False

    @property
    def publishing_for(self) -> float:
        """Seconds for which the present job has been waiting for the broker; 0 if there is none."""
        since = self._job_since
        return 0.0 if since is None else time.monotonic() - since

    async def publish(self, publications: Sequence[Publication], not_after: float = math.inf) -> list[PublishResult]:
        """Publishes in order; returns what became of each publication.

        Nothing is begun after the time `not_after`, by `time.monotonic`.
        """
        loop = asyncio.get_running_loop()
        job = Job(publications, True, not_after, loop, loop.create_future())
        self._jobs.put(job)
        if self._stopping.is_set():  # perhaps nobody looks any more
            job.resolve([])
        return await job.done

    def publish_best_effort(self, publication: Publication) -> None:
        """Publishes if there is a connection, else drops it; nobody waits for it. Call this from the event loop."""
        if self.connected and self._jobs.qsize() < _MOST_WAITING:
            loop = asyncio.get_running_loop()
            self._jobs.put(Job([publication], False, math.inf, loop, loop.create_future()))

    def _delay_after(self, failures: int, error: str) -> float:
        if not self._broke_over_a_message:
            return super()._delay_after(failures, error)
        # Those after the message that may be why shall not wait. If it was the broker, connecting fails again.
        self._broke_over_a_message = False
        _log.warning(
            "the connection broke over a message",
            action="broker_connection_broken",
            connection=self._name,
            error=error,
        )
        return 0.0

    def _run(self) -> None:
        try:
            super()._run()
        finally:
            with contextlib.suppress(queue.Empty):
                while True:
                    if (job := self._jobs.get_nowait()) is not None:
                        job.resolve([])

    def _wake(self) -> None:
        self._jobs.put(None)

    def _serve(self, connection: BlockingConnection, channel: BlockingChannel) -> None:
        # Best effort has a channel of its own without confirms, so that progress never keeps a result waiting.
        best_effort = connection.channel()
        channel.confirm_delivery()
        self._ready()
        self._on_connected()
        while True:
            try:
                job = self._jobs.get(timeout=1)
            except queue.Empty:
                connection.process_data_events(0)
                continue
            if job is None:
                return
            self._job_since = time.monotonic()
            try:
                _do(channel if job.confirmed else best_effort, job)
            except Exception as error:
                self._broke_over_a_message = result_of(error) is PublishResult.BROKEN
                raise
            finally:
                self._job_since = None

    def _pause(self, seconds: float) -> None:
        # Jobs are answered in the meantime, so that nobody waits for the next connection.
        end = time.monotonic() + seconds
        while True:
            try:
                job = self._jobs.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                return
            if job is None:
                return
            job.resolve([])


def _do(channel: BlockingChannel, job: Job) -> None:
    results: list[PublishResult] = []
    try:
        for publication in job.publications:
            if time.monotonic() > job.not_after:
                break
            results.append(publish_on(channel, publication, persistent=job.confirmed))
    except Exception as error:
        results.append(result_of(error))
        raise
    finally:
        job.resolve(results)


def publish_on(channel: BlockingChannel, publication: Publication, *, persistent: bool) -> PublishResult:
    """Publishes on a channel, and waits for the confirm if the channel has them on.

    Raises what pika does if the connection or the channel breaks; `result_of` says what that means for the message.
    """
    properties = pika.BasicProperties(
        content_type=publication.content_type,
        delivery_mode=pika.DeliveryMode.Persistent if persistent else pika.DeliveryMode.Transient,
        type=publication.type,
        message_id=publication.message_id,
        correlation_id=publication.correlation_id,
        headers=publication.headers or None,
        timestamp=int(time.time()),
    )
    if not _is_sendable(publication, properties):
        return PublishResult.UNSENDABLE
    try:
        channel.basic_publish(
            publication.exchange,
            publication.routing_key,
            publication.body,
            properties,
            mandatory=publication.mandatory,
        )
    except UnroutableError:
        return PublishResult.UNROUTABLE
    except NackError:
        return PublishResult.REFUSED
    return PublishResult.CONFIRMED


def result_of(error: Exception) -> PublishResult:
    """Returns what became of the message over whose publishing pika raised `error`."""
    match error:
        case ConnectionClosedByBroker():
            over_it = error.reply_code in _OVER_WHAT_WAS_SENT
        case ChannelClosedByBroker():
            over_it = True
        # A blocked connection, one that was reset or has fallen silent; what had been closed before.
        case AMQPConnectionError() | ChannelWrongStateError() | OSError():
            over_it = False
        case _:
            over_it = True  # pika itself fails over it
    return PublishResult.BROKEN if over_it else PublishResult.LOST


def _is_sendable(publication: Publication, properties: pika.BasicProperties) -> bool:
    # pika finds such a fault when it has begun to write, and then the connection is lost.
    try:
        size = sum(map(len, properties.encode()))
    except Exception as error:
        _log.debug("a property can't be encoded", action="unsendable", error=repr(error))
        return False
    return size <= _MOST_PROPERTY_BYTES and is_short(publication.routing_key)
