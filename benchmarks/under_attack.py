"""Measures how much longer a good user's courses take while others do all the harm that they can.

    python -m benchmarks.under_attack [--latency 0.3] [--rounds 3]

In each round one worker gets 200 requests of one user and, after them, 20 of a good one; first in peace, then with 300
requests whose `reply_to` breaks the broker's connection, with locks on the first user's courses and on what stands for
the user, with an operator's transaction that is open over twelve courses, and with 200 half-open HTTP connections.
Compares the slowest of the twenty results. All figures are from one run on one machine: compare only their ratio.
"""

import argparse
import json
import socket
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from uuid import uuid4

import pika
import psycopg2
from pika.adapters.blocking_connection import BlockingConnection

from benchmarks.worker_speed import worker
from src.devtools.local_service import HOST, free_port
from src.devtools.local_services import LocalServices
from src.services.broker.connection import connection_parameters, open_channel

_CROWD = 200
_GOOD = 20
_POISONED = 300
_OPERATORS = 12
_HALF_OPEN = 200
_POISON = "amq.rabbitmq.reply-to.g1h2AA8PAAAAAA==.AAAA"
_WORST = 2.0


class Round:
    """One round of requests. `services` are those of the worker."""

    def __init__(self, services: LocalServices, health_port: int) -> None:
        self._services = services
        self._health_port = health_port
        config = services.rabbitmq.settings()
        self._channel = open_channel(BlockingConnection(connection_parameters(config, "benchmark")), config)
        self._crowd = str(uuid4())

    def slowest(self, *, attacked: bool) -> float:
        """Returns the seconds from a good user's request to its result, the longest of twenty."""
        mine = [self._publish(self._crowd) for _ in range(_OPERATORS)]
        self._until(set(mine))
        with ExitStack() as stack:
            if attacked:
                for lock in (
                    f"SELECT pg_advisory_lock(hashtextextended('{self._crowd}', 0))",
                    f"SELECT id FROM courses WHERE user_id = '{self._crowd}' FOR UPDATE",  # noqa: S608
                ):
                    stack.enter_context(self._held(lock))
                for _ in range(_HALF_OPEN):
                    stack.enter_context(socket.create_connection((HOST, self._health_port)))
                for _ in range(_POISONED):
                    properties = pika.BasicProperties(reply_to=_POISON)
                    self._channel.basic_publish("course.exchange", "course.generate", b"x", properties)
            for _ in range(_CROWD):
                self._publish(self._crowd)
            began, user = time.perf_counter(), str(uuid4())
            good = {self._publish(user) for _ in range(_GOOD)}
            if attacked:
                open_courses = f"status IN ('QUEUED', 'GENERATING') AND user_id = '{self._crowd}'"
                twelve = f"SELECT id FROM courses WHERE {open_courses} LIMIT {_OPERATORS} FOR UPDATE SKIP LOCKED"  # noqa: S608
                stack.enter_context(self._held(twelve))
            took = self._until(good) - began
        self._until_quiet()
        return took

    def _publish(self, user: str) -> str:
        request_id = str(uuid4())
        body = {"request_id": request_id, "user_id": user, "topic": "Cell Biology", "num_lessons": 2}
        self._channel.basic_publish("course.exchange", "course.generate", json.dumps(body).encode())
        return request_id

    def _until(self, wanted: set[str]) -> float:
        """Waits until all of these requests have succeeded; returns when the last one did."""
        left = set(wanted)
        for method, _properties, content in self._channel.consume("course.status.queue", inactivity_timeout=120):
            if method is None or method.delivery_tag is None or content is None:
                raise RuntimeError(f"no result for two minutes; {len(left)} are missing")
            self._channel.basic_ack(method.delivery_tag)
            message = json.loads(content)
            if message["request_id"] in left and message["status"] != "processing":
                if message["status"] == "error":
                    raise RuntimeError(f"a course failed: {message['message']}")
                left.discard(message["request_id"])
                if not left:
                    break
        ended = time.perf_counter()
        self._channel.cancel()
        return ended

    def _until_quiet(self) -> None:
        """Waits until nothing of the round is left, so that the next one begins as this one did."""
        with self._connection() as connection, connection.cursor() as cursor:
            while True:
                cursor.execute(
                    "SELECT (SELECT count(*) FROM generation_queue) + (SELECT count(*) FROM requests_set_aside)"
                )
                if (row := cursor.fetchone()) is not None and row[0] == 0:
                    return
                connection.rollback()
                time.sleep(0.2)

    @contextmanager
    def _held(self, statement: str) -> Iterator[None]:
        """Keeps a transaction open that has run `statement`."""
        with self._connection() as connection:
            connection.cursor().execute(statement)
            yield

    @contextmanager
    def _connection(self) -> Iterator["psycopg2.extensions.connection"]:
        config = self._services.postgres.settings("learningdb")
        connection = psycopg2.connect(
            host=config.host, port=config.port, user=config.user, password=config.password, dbname=config.name
        )
        try:
            yield connection
        finally:
            connection.close()


def main() -> None:
    """Prints the figures; exits with 1 if attacks make a good user wait too long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=0.3, help="seconds that the model takes for a call")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    port = free_port()
    with worker(options.latency, HEALTH_PORT=str(port)) as (_, services):
        peace, attack = [], []
        for _ in range(options.rounds):
            peace.append(Round(services, port).slowest(attacked=False))
            attack.append(Round(services, port).slowest(attacked=True))
    ratio = statistics.median(attack) / statistics.median(peace)
    print(f"slowest of {_GOOD} results, in peace    {statistics.median(peace):8.2f} s   {[round(s, 2) for s in peace]}")
    print(
        f"slowest of {_GOOD} results, attacked    {statistics.median(attack):8.2f} s   {[round(s, 2) for s in attack]}"
    )
    print(f"times longer                      {ratio:8.2f}   (at most {_WORST:g})")
    if ratio > _WORST:
        sys.exit("a good user waits too long")


if __name__ == "__main__":
    main()
