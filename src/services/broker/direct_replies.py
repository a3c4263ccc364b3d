"""Publishes by RabbitMQ's direct reply-to, over connections that bad addresses may break."""

import asyncio
import queue
import threading
import time
from collections.abc import Sequence

import pika
import structlog
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection

from src.config import RabbitMQSettings
from src.domain.backoff import backoff
from src.services.broker.connection import close_quietly, connection_parameters, explain
from src.services.broker.publisher import Job, Publication, PublishResult, publish_on, result_of

_log = structlog.get_logger(__name__)

# How many connections share the direct replies. A bad address costs the one that it breaks some milliseconds.
_CONNECTIONS = 4
# A batch waits for the slowest of its connections, so none has long to be made, or may be blocked for long. In seconds.
_PATIENCE = 5.0
_LONGEST_PAUSE = 30.0


class DirectReplies:
    """A few threads that publish, over connections that last for one batch or until one breaks.

    While none can be made, or an alarm blocks them, there are pauses that grow; meanwhile nothing is tried.
    """

    def __init__(self, config: RabbitMQSettings) -> None:
        self._config = config
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._failures, self._paused_until = 0, 0.0
        # Daemons, as those of a ThreadPoolExecutor would be waited for when the process exits, however long it takes.
        self._threads = [
            threading.Thread(target=self._work, name=f"direct-replies-{number}", daemon=True)
            for number in range(_CONNECTIONS)
        ]

    def start(self) -> None:
        """Starts the threads, which connect when there is something to publish."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Has the threads begin nothing more, and end. Doesn't wait for them."""
        self._stopping.set()
        for _ in self._threads:
            self._jobs.put(None)

    def join(self, until: float) -> None:
        """Waits for the threads after `stop`, up to the time `until`, by `time.monotonic`."""
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))

    async def publish(self, publications: Sequence[Publication], not_after: float) -> list[PublishResult]:
        """Publishes; returns what became of each publication. One that nobody waits for is `CONFIRMED` too.

        Nothing is begun after the time `not_after`, by `time.monotonic`.
        """
        results = [PublishResult.NOT_TRIED] * len(publications)
        if not publications or time.monotonic() < self._paused_until:
            return results
        loop = asyncio.get_running_loop()
        shares = [share for share in (publications[first::_CONNECTIONS] for first in range(_CONNECTIONS)) if share]
        jobs = [Job(share, True, not_after, loop, loop.create_future()) for share in shares]
        for job in jobs:
            self._jobs.put(job)
            if self._stopping.is_set():  # perhaps nobody looks any more
                job.resolve([])
        for first, done in enumerate(await asyncio.gather(*(job.done for job in jobs))):
            results[first::_CONNECTIONS] = done
        self._note(results, not_after)
        return results

    def _note(self, results: Sequence[PublishResult], not_after: float) -> None:
        if set(results) <= {PublishResult.NOT_TRIED, PublishResult.LOST} and time.monotonic() <= not_after:
            self._failures += 1
            self._paused_until = time.monotonic() + backoff(self._failures, 1.0, _LONGEST_PAUSE)
        else:
            self._failures = 0

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.resolve(self._publish(job))

    def _publish(self, job: Job) -> list[PublishResult]:
        results: list[PublishResult] = []
        while len(results) < len(job.publications) and not self._is_over(job):
            before = len(results)
            try:
                connection = BlockingConnection(self._parameters())
            except Exception as error:
                self._log_that_they_wait(error)
                break
            try:
                channel = connection.channel()
                channel.confirm_delivery()
                self._publish_until_broken(channel, job, results)
            except Exception as error:
                if len(results) == before or results[-1] is PublishResult.LOST:
                    self._log_that_they_wait(error)
                    break
                _log.debug("a direct reply broke its connection", action="direct_reply_broken", error=repr(error))
            finally:
                close_quietly(connection)
        return results

    def _publish_until_broken(self, channel: BlockingChannel, job: Job, results: list[PublishResult]) -> None:
        """Adds to `results` what becomes of the publications that it hasn't. Raises if the connection breaks."""
        for publication in job.publications[len(results) :]:
            if self._is_over(job):
                return
            try:
                results.append(publish_on(channel, publication, persistent=False))
            except Exception as error:
                results.append(result_of(error))
                raise

    def _is_over(self, job: Job) -> bool:
        return self._stopping.is_set() or time.monotonic() > job.not_after

    def _parameters(self) -> pika.ConnectionParameters:
        parameters = connection_parameters(self._config, "course-generator direct replies", _PATIENCE)
        parameters.socket_timeout = parameters.stack_timeout = _PATIENCE
        return parameters

    def _log_that_they_wait(self, error: Exception) -> None:
        text = explain(error, self._config)
        _log.warning("no connection for direct replies", action="direct_replies_wait", error=text)
