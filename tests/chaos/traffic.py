"""The upstream side: a publisher that never gives up, and a listener that never misses."""

import contextlib
import json
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from tests.upstream import DEAD, EXCHANGE, GENERATE, REQUESTS, STATUS

REPLIES = "chaos.replies"
# RabbitMQ takes this for an address of a client of its own, and ends the connection over it.
POISON = "amq.rabbitmq.reply-to.g1h2AA8PAAAAAA==.AAAA"

_GRADES = ("Grade 4", "Grade 8", "Grade 11")


@dataclass
class Sent:
    """One request, and how often it went out."""

    fields: dict[str, Any]
    body: bytes
    valid: bool
    reply_as: str | None
    """The correlation id of the reply that is wanted."""
    copies: int
    """How often it is sent on purpose."""
    poisoned: bool = False
    """Whether its reply breaks the broker's connection; nobody waits for it."""
    tries: int = 0
    """How often it was sent in all: what was not confirmed was sent again."""
    confirmed: int = 0

    @property
    def request_id(self) -> str | None:
        return self.fields.get("request_id")

    @property
    def topic(self) -> str:
        return str(self.fields["topic"])


@dataclass(frozen=True)
class Heard:
    """A message that came."""

    message_id: str | None
    correlation_id: str | None
    body: bytes

    @property
    def fields(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


def request(number: int, dice: random.Random, users: list[str]) -> Sent:
    """One request: mostly a good one, some without an id, some sent twice, some wrong."""
    fields: dict[str, Any] = {
        "request_id": f"chaos-{number}",
        "user_id": dice.choice(users),
        "topic": f"Cells {number}",
        "grade_level": dice.choice(_GRADES),
        "num_lessons": dice.randint(1, 4),
        "priority": dice.choice((None, None, 0, 4, 9)),
    }
    kind = dice.random()
    if kind < 0.05:
        fields["num_lessons"] = 1000
    elif kind < 0.12:
        del fields["request_id"]
    wants_reply = dice.random() < 0.2
    return Sent(
        fields=fields,
        body=json.dumps(fields).encode(),
        valid=fields["num_lessons"] <= 4,
        reply_as=f"reply-{number}" if wants_reply else None,
        poisoned=not wants_reply and dice.random() < 0.05,
        copies=dice.choice((1, 1, 1, 2, 3)) if "request_id" in fields else 1,
    )


class _Connected:
    """A connection that is made again for as long as `stopping` isn't set."""

    def __init__(self, parameters: pika.ConnectionParameters, stopping: threading.Event) -> None:
        self._parameters = parameters
        self._stopping = stopping
        self._connection: pika.BlockingConnection | None = None
        self._channel: BlockingChannel | None = None

    def until_done(self, work: Callable[[BlockingChannel], None]) -> None:
        """Does `work`, again from its beginning after each loss of the connection."""
        while not self._stopping.is_set():
            try:
                work(self._open())
                return
            except (AMQPError, OSError):
                self.close()
                self._stopping.wait(0.5)

    def close(self) -> None:
        with contextlib.suppress(AMQPError, OSError):
            if self._connection is not None and self._connection.is_open:
                self._connection.close()
        self._connection = self._channel = None

    def _open(self) -> BlockingChannel:
        if self._channel is None:
            self._connection = pika.BlockingConnection(self._parameters)
            self._channel = self._connection.channel()
            self._channel.exchange_declare(EXCHANGE, "topic", durable=True)
            for queue in (REQUESTS, STATUS, DEAD, REPLIES):
                self._channel.queue_declare(queue, durable=True)
            self._channel.queue_bind(REQUESTS, EXCHANGE, GENERATE)
            self._channel.queue_bind(STATUS, EXCHANGE, "course.status")
            self._channel.confirm_delivery()
        return self._channel


class Publisher(threading.Thread):
    """Sends requests until it is told to stop; each until the broker has confirmed it."""

    def __init__(self, parameters: pika.ConnectionParameters, per_second: float, seed: int) -> None:
        super().__init__(name="publisher", daemon=True)
        self.sent: list[Sent] = []
        self._dice = random.Random(seed)
        self._pause = 1 / per_second
        self._users = [str(uuid4()) for _ in range(5)]
        self._enough = threading.Event()
        self._giving_up = threading.Event()
        self._broker = _Connected(parameters, self._giving_up)

    def run(self) -> None:
        while not self._enough.wait(self._dice.expovariate(1 / self._pause)):
            sent = request(len(self.sent), self._dice, self._users)
            self.sent.append(sent)
            for _ in range(sent.copies):
                self._send(sent)
        self._broker.close()

    def stop(self) -> None:
        """Returns when what was begun is confirmed."""
        self._enough.set()
        self.join()

    def _send(self, sent: Sent) -> None:
        def publish(channel: BlockingChannel) -> None:
            sent.tries += 1
            reply_to = REPLIES if sent.reply_as else POISON if sent.poisoned else None
            properties = pika.BasicProperties(delivery_mode=2, reply_to=reply_to, correlation_id=sent.reply_as)
            channel.basic_publish(EXCHANGE, GENERATE, sent.body, properties, mandatory=True)
            sent.confirmed += 1

        self._broker.until_done(publish)


@dataclass
class _Heard:
    status: list[Heard] = field(default_factory=list)
    replies: list[Heard] = field(default_factory=list)
    dead: list[Heard] = field(default_factory=list)


class Listener(threading.Thread):
    """Takes everything from the queues that upstream services read."""

    def __init__(self, parameters: pika.ConnectionParameters) -> None:
        super().__init__(name="listener", daemon=True)
        self.heard = _Heard()
        self._enough = threading.Event()
        self._broker = _Connected(parameters, self._enough)

    def run(self) -> None:
        self._broker.until_done(self._listen)
        self._broker.close()

    def stop(self) -> None:
        self._enough.set()
        self.join()

    def _listen(self, channel: BlockingChannel) -> None:
        queues = ((STATUS, self.heard.status), (REPLIES, self.heard.replies), (DEAD, self.heard.dead))
        while not self._enough.is_set():
            for queue, heard in queues:
                while not self._enough.is_set():
                    method, properties, body = channel.basic_get(queue)
                    if method is None:
                        break
                    assert method.delivery_tag is not None and properties is not None and body is not None
                    channel.basic_ack(method.delivery_tag)
                    heard.append(Heard(properties.message_id, properties.correlation_id, body))
            channel.connection.process_data_events(0.1)
