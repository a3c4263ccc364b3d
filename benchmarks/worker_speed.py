"""Measures how fast one worker process is: with one course alone, and with many at once against one after the other.

    python -m benchmarks.worker_speed [--latency 0.5] [--courses 50]

Starts a private PostgreSQL, RabbitMQ and stand-in model, and a worker with its default settings. Takes the time from
publishing a request to receiving its result. All figures are from one run on one machine: compare only their ratios.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from uuid import uuid4

from pika.adapters.blocking_connection import BlockingConnection

from src.config import RabbitMQSettings
from src.devtools.local_reaper import Reaper, mark
from src.devtools.local_service import HOST, free_port
from src.devtools.local_services import LocalServices
from src.operations.known_schema import ROOT
from src.operations.migrations import upgrade
from src.services.broker.connection import connection_parameters, open_channel

_LESSONS = 4
_OVERHEAD = 0.15
"""Seconds that one course may take beyond two model calls: one for the outline, then one for all lessons at once."""


class Client:
    """An upstream service, which publishes requests and takes results from the status queue."""

    def __init__(self, config: RabbitMQSettings) -> None:
        self._channel = open_channel(BlockingConnection(connection_parameters(config, "benchmark")), config)

    def publish(self, topic: str) -> str:
        """Publishes a request; returns its id."""
        request_id = str(uuid4())
        body = {"request_id": request_id, "user_id": str(uuid4()), "topic": topic, "num_lessons": _LESSONS}
        self._channel.basic_publish("course.exchange", "course.generate", json.dumps(body).encode())
        return request_id

    def results(self, number: int) -> None:
        """Waits until `number` courses have succeeded; raises `RuntimeError` if one fails or two minutes bring none."""
        for method, _properties, content in self._channel.consume("course.status.queue", inactivity_timeout=120):
            if method is None or method.delivery_tag is None or content is None:
                raise RuntimeError("no result for two minutes: does the worker start? Try `make run`")
            self._channel.basic_ack(method.delivery_tag)
            message = json.loads(content)
            if message["status"] == "error":
                raise RuntimeError(f"a course failed: {message['message']}")
            number -= message["status"] == "success"
            if number == 0:
                break
        self._channel.cancel()

    def run(self, number: int) -> float:
        """Requests `number` courses at once; returns the seconds from the first request to the last result."""
        started = time.perf_counter()
        for index in range(number):
            self.publish(f"Cell Biology {index}")
        self.results(number)
        return time.perf_counter() - started


@contextmanager
def worker(latency: float, **settings: str) -> Iterator[tuple[Client, LocalServices]]:
    """Runs a worker, with `settings` and else its defaults, and all that it needs. Yields its client and services."""
    with ExitStack() as stack:
        folder = stack.enter_context(Reaper()).folder
        services = LocalServices(folder / "services")
        stack.callback(services.stop)
        services.start()
        upgrade(services.postgres.settings("learningdb"))
        port = free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            **services.environment(),
            **mark(),
            "OPENAI_BASE_URL": f"http://{HOST}:{port}/v1",
            "OPENAI_ALLOW_REMOTE": "off",
            **settings,
        }
        app = [sys.executable, str(ROOT / "app.py")]
        add = [*app, "sources", "add", str(ROOT / "samples"), "--language", "en"]
        subprocess.run(add, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        for arguments in (["stand-in", "--port", str(port), "--latency", str(latency)], []):
            log = stack.enter_context((folder / f"{arguments[0] if arguments else 'worker'}.log").open("wb"))
            process = subprocess.Popen([*app, *arguments], cwd=folder, env=environment, stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        client = Client(services.rabbitmq.settings())
        client.run(1)  # waits for the worker to start
        yield client, services


def main() -> None:
    """Prints the figures; exits with 1 if they are too slow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=0.5, help="seconds that the model takes for a call")
    parser.add_argument("--courses", type=int, default=50, help="how many courses at once, and one after the other")
    options = parser.parse_args()
    with worker(options.latency) as (client, _):
        alone = [client.run(1) for _ in range(options.courses)]
        together = client.run(options.courses)
    one_by_one, limit = sum(alone), 2 * options.latency + _OVERHEAD
    print(f"model latency L                 {options.latency:8.3f} s, {_LESSONS} lessons a course")
    print(
        f"one course alone, median        {statistics.median(alone):8.3f} s (at least 2 L = {2 * options.latency:.3f})"
    )
    print(f"one course alone, slowest       {max(alone):8.3f} s (limit 2 L + {_OVERHEAD} = {limit:.3f})")
    print(f"{options.courses} courses one after the other {one_by_one:9.3f} s")
    print(f"{options.courses} courses at once            {together:9.3f} s")
    print(f"times faster                    {one_by_one / together:8.1f}   (at least 10)")
    if max(alone) > limit or one_by_one / together < 10:
        sys.exit("too slow")


if __name__ == "__main__":
    main()
