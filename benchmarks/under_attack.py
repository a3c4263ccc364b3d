"""Measures how much longer a good user's courses take while others do all the harm that they can.

    python -m benchmarks.under_attack [--latency 0.3] [--rounds 3]

In each round one worker writes twelve courses of a first user, and gets 200 requests that repeat these, 200 new ones of
a second user, and after them 20 of a good one. First in peace; then while somebody keeps the twelve courses locked,
which stops their writing and has all that repeats them set aside, with 300 requests whose `reply_to` breaks the
connection to the broker, and with 200 half-open HTTP connections. Compares the slowest of the twenty results. All
figures are from one run on one machine: compare only their ratio.
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
_WRITTEN = 12
_HALF_OPEN = 200
_POISON = "amq.rabbitmq.reply-to.g1h2AA8PAAAAAA==.AAAA"
_WORST = 2.0


class Round:
    """One round of requests, with users of its own. `services` are those of the worker."""

    def __init__(self, services: LocalServices, health_port: int) -> None:
        self._services = services
        self._health_port = health_port
        config = services.rabbitmq.settings()
        self._channel = open_channel(BlockingConnection(connection_parameters(config, "benchmark")), config)
        self._locked, self._crowd, self._good = (str(uuid4()) for _ in range(3))

    def slowest(self, *, attacked: bool) -> float:
        """Returns the seconds from a good user's request to its result, the longest of twenty."""
        written = [self._publish(self._locked) for _ in range(_WRITTEN)]
        self._until_number(_WRITTEN, "SELECT count(*) FROM courses WHERE user_id = %s AND status <> 'QUEUED'")
        with ExitStack() as stack:
            if attacked:
                stack.enter_context(self._locked_courses())
                for _ in range(_HALF_OPEN):
                    stack.enter_context(socket.create_connection((HOST, self._health_port)))
                for _ in range(_POISONED):
                    properties = pika.BasicProperties(reply_to=_POISON)
                    self._channel.basic_publish("course.exchange", "course.generate", b"x", properties)
            for number in range(_CROWD):
                self._publish(self._locked, written[number % _WRITTEN])
                self._publish(self._crowd)
            began = time.perf_counter()
            took = self._until({self._publish(self._good) for _ in range(_GOOD)}) - began
            if attacked and self._number("SELECT count(*) FROM requests_set_aside WHERE user_id = %s") == 0:
                raise RuntimeError("no request met the locks: this was no attack, and its figure says nothing")
        left = "SELECT (SELECT count(*) FROM generation_queue) + (SELECT count(*) FROM requests_set_aside)"
        self._until_number(0, left)  # the next round begins as this one did
        return took

    def _publish(self, user: str, request_id: str | None = None) -> str:
        request_id = request_id or str(uuid4())
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

    def _until_number(self, wanted: int, query: str) -> None:
        while self._number(query) != wanted:
            time.sleep(0.05)

    def _number(self, query: str) -> int:
        """Returns what a query for one number finds; `%s` in it is the id of the user who is locked."""
        with self._connection() as connection, connection.cursor() as cursor:
            cursor.execute(query, [self._locked] * query.count("%s"))
            return int(cursor.fetchall()[0][0])

    @contextmanager
    def _locked_courses(self) -> Iterator[None]:
        """Keeps a transaction open that has locked that user's courses, while the worker writes them."""
        with self._connection() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT status FROM courses WHERE user_id = %s ORDER BY id FOR UPDATE", (self._locked,))
            if ("GENERATING",) not in cursor.fetchall():
                raise RuntimeError("all courses were finished before they were locked: take a longer --latency")
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
