"""Upstream services: bare AMQP clients that use nothing of the worker's own code."""

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import pika
from pika.exceptions import AMQPError

from src.devtools.local_rabbitmq import LocalRabbitMQ
from tests.waiting import PATIENCE, eventually, still_hoping

EXCHANGE, GENERATE = "course.exchange", "course.generate"
REQUESTS, STATUS, DEAD = "course.generation.queue", "course.status.queue", "course.generation.dead"


@dataclass(frozen=True)
class Received:
    """A message with its properties."""

    body: bytes
    properties: pika.BasicProperties
    routing_key: str

    @property
    def fields(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


class Upstream:
    """A service that declares queues as the existing ones do: plain and durable, without arguments."""

    def __init__(self, broker: LocalRabbitMQ, vhost: str) -> None:
        self._broker = broker
        self._vhost = vhost
        credentials = pika.PlainCredentials("course", broker.password)
        self._connection = pika.BlockingConnection(
            pika.ConnectionParameters("127.0.0.1", broker.port, vhost, credentials, heartbeat=600)
        )
        self._channel = self._connection.channel()
        self._channel.exchange_declare(EXCHANGE, "topic", durable=True)
        for queue in (REQUESTS, STATUS, DEAD):
            self._channel.queue_declare(queue, durable=True)
        self._channel.queue_bind(REQUESTS, EXCHANGE, GENERATE)
        self.bind_status()
        self._channel.confirm_delivery()

    def publish(self, body: bytes | dict[str, Any], **properties: Any) -> None:
        """Publishes a request; a dict goes as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._channel.basic_publish(
            EXCHANGE, GENERATE, content, pika.BasicProperties(delivery_mode=2, **properties), mandatory=True
        )

    def tell(self, routing_key: str, fields: dict[str, Any]) -> None:
        """Publishes something other than a request."""
        self._channel.basic_publish(EXCHANGE, routing_key, json.dumps(fields).encode(), mandatory=True)

    def request(self, user_id: str, **fields: Any) -> str:
        """Publishes a valid request and returns its id."""
        request_id = str(fields.pop("request_id", uuid4()))
        self.publish({"request_id": request_id, "user_id": user_id, "topic": "Cell Biology", **fields})
        return request_id

    def publish_many(self, requests: Iterable[dict[str, Any]]) -> None:
        """Publishes requests faster: without waiting for each confirm. Returns when the broker has them all."""
        channel = self._connection.channel()
        for request in requests:
            channel.basic_publish(
                EXCHANGE, GENERATE, json.dumps(request).encode(), pika.BasicProperties(delivery_mode=2)
            )
        channel.close()

    def declare(self, queue: str) -> None:
        """Declares a queue as some other service does."""
        self._channel.queue_declare(queue, durable=True)

    def reply_queue(self) -> str:
        """Makes a queue of its own for replies and returns its name."""
        return str(self._channel.queue_declare("", exclusive=True).method.queue)

    def progress_queue(self) -> str:
        """Makes a queue of its own for progress events and returns its name."""
        return self.queue_of("course.progress")

    def queue_of(self, routing_key: str, most: int | None = None) -> str:
        """Makes a queue for what is published with `routing_key` and returns its name. It refuses more than `most`."""
        arguments = {} if most is None else {"x-max-length": most, "x-overflow": "reject-publish"}
        queue = str(self._channel.queue_declare("", exclusive=True, arguments=arguments).method.queue)
        self._channel.queue_bind(queue, EXCHANGE, routing_key)
        return queue

    def bind_status(self) -> None:
        self._channel.queue_bind(STATUS, EXCHANGE, "course.status")

    def unbind_status(self) -> None:
        self._channel.queue_unbind(STATUS, EXCHANGE, "course.status")

    def unbind_requests(self) -> None:
        self._channel.queue_unbind(REQUESTS, EXCHANGE, GENERATE)

    def limit_status(self, most: int) -> None:
        """Declares the status queue anew, with room for `most` messages: it refuses more."""
        self._channel.queue_delete(STATUS)
        self._channel.queue_declare(
            STATUS, durable=True, arguments={"x-max-length": most, "x-overflow": "reject-publish"}
        )
        self.bind_status()

    def next(self, queue: str = STATUS) -> Received:
        """Waits for the next message of a queue, and returns it."""
        end = time.monotonic() + PATIENCE
        for method, properties, body in self._channel.consume(queue, inactivity_timeout=1):
            if method is not None:
                self._channel.cancel()
                return self._taken(method, properties, body)
            still_hoping(end, f"a message comes on {queue}")
        raise AssertionError("the broker cancelled the subscription")

    def result(self, queue: str = STATUS) -> Received:
        """Returns the next message that isn't `processing`."""
        while (received := self.next(queue)).fields["status"] == "processing":
            pass
        return received

    def results(self, number: int) -> list[Received]:
        """Returns the next `number` messages that aren't `processing`."""
        return [self.result() for _ in range(number)]

    def waiting(self, queue: str) -> list[Received]:
        """Takes and returns everything that is in a queue now."""
        return list(self._drained(queue))

    def depth(self, queue: str) -> int:
        """Returns how many messages in a queue wait for a consumer."""
        return int(self._channel.queue_declare(queue, passive=True).method.message_count)

    def consumers(self, queue: str = REQUESTS) -> int:
        """Returns how many consumers a queue has."""
        return int(self._channel.queue_declare(queue, passive=True).method.consumer_count)

    def eventually_empty(self, queue: str = REQUESTS) -> None:
        """Returns when nothing waits in a queue for a consumer."""
        self.wait_until(lambda: self.depth(queue) == 0, f"{queue} is empty")

    def eventually_settled(self, queue: str = REQUESTS) -> None:
        """Returns when every message of a queue is acknowledged, also those that were out over a broken connection."""

        def settled() -> bool:
            listed = self._broker.control(
                "list_queues", "-p", self._vhost, "name", "messages", "--quiet", "--no-table-headers"
            )
            return f"{queue}\t0" in listed.splitlines()

        self.wait_until(settled, f"every message of {queue} is acknowledged")

    def wait_until(self, look: Callable[[], object], what: str) -> None:
        """Waits until `look` is true, and keeps the connection alive meanwhile."""
        eventually(look, what, pause=lambda: self._connection.process_data_events(0.02))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(AMQPError):  # a test may have had it closed by the broker
            self._connection.close()

    def _drained(self, queue: str) -> Iterator[Received]:
        while True:
            method, properties, body = self._channel.basic_get(queue)
            if method is None:
                return
            yield self._taken(method, properties, body)

    def _taken(self, method: Any, properties: Any, body: Any) -> Received:
        self._channel.basic_ack(method.delivery_tag)
        return Received(body, properties, method.routing_key)


class Caller:
    """A client that asks by RabbitMQ's direct reply-to, for which it declares no queue."""

    def __init__(self, broker: LocalRabbitMQ, vhost: str) -> None:
        credentials = pika.PlainCredentials("course", broker.password)
        self._connection = pika.BlockingConnection(
            pika.ConnectionParameters("127.0.0.1", broker.port, vhost, credentials)
        )
        self._channel = self._connection.channel()
        self.answers: list[bytes] = []
        self._channel.basic_consume(
            "amq.rabbitmq.reply-to", lambda *message: self.answers.append(message[3]), auto_ack=True
        )

    def ask(self, body: bytes) -> None:
        """Publishes a request with this client's own address."""
        properties = pika.BasicProperties(reply_to="amq.rabbitmq.reply-to", correlation_id="mine")
        self._channel.basic_publish("", REQUESTS, body, properties)

    @property
    def address(self) -> str:
        """The address that the broker puts into requests in place of the general one."""
        queue = str(self._channel.queue_declare("", exclusive=True).method.queue)
        self._channel.basic_publish("", queue, b"", pika.BasicProperties(reply_to="amq.rabbitmq.reply-to"))
        while (asked := self._channel.basic_get(queue, auto_ack=True))[1] is None:
            pass
        return str(asked[1].reply_to)

    def look(self) -> int:
        """Returns how many answers have come."""
        self._connection.process_data_events(0.02)
        return len(self.answers)
