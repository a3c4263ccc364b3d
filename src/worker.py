"""Composes a worker of its parts, and starts and stops them in the right order."""

import asyncio
import gc
import os
from collections.abc import Callable, Mapping, Sequence
from uuid import uuid4

import structlog
from sqlalchemy.exc import SQLAlchemyError

from src import __version__
from src.config import COURSES, Settings
from src.consumers.course_writing import CourseWriting
from src.consumers.courses_part import Courses
from src.consumers.database_watch import DatabaseWatch
from src.consumers.files_only_part import FilesOnly
from src.consumers.heartbeat import Heartbeat, Leases
from src.consumers.process_state import ProcessState, Slots
from src.consumers.pruner import Pruner
from src.consumers.rescuer import Rescuer
from src.consumers.result_relay import ResultRelay
from src.domain.errors import TwinFound
from src.domain.redaction import Redactor
from src.operations.known_schema import needed_schema
from src.services.broker.consumer import QueueConsumer
from src.services.broker.publisher import Publisher
from src.services.broker.replies import ReplyPublisher
from src.services.database.backlog import backlog
from src.services.database.connection import Database
from src.services.database.outbox import Outbox
from src.services.database.worker_registry import Membership, WorkerIdentity, WorkerRegistry
from src.services.duty import Duty
from src.services.part import Engine, Part
from src.services.wakeups import WakeUps

_log = structlog.get_logger(__name__)

# How long a stopping worker goes on publishing what it has just finished.
_LAST_RESULTS_SECONDS = 5.0
# For how long beyond the grace time a part may go on ending its work.
_LATE_SECONDS = 30.0
# How long a reader of metrics waits for what the database knows.
_BACKLOG_SECONDS = 2.0


class Worker:
    """One process: what every role needs (database, heartbeat, outbox), and the parts of its roles."""

    def __init__(
        self,
        settings: Settings,
        redact: Redactor,
        slices: Sequence[Callable[[Engine], Part]],
        on_twin: Callable[[TwinFound], None],
    ) -> None:
        """Connects to nothing yet. Call it from the event loop. Each of `slices` makes the part of its role.

        `on_twin` is called in a thread if another process has this worker's id. It must end this one at once.
        """
        identity = WorkerIdentity(uuid4(), __version__, settings.worker.slots, settings.worker.lease)
        self._settings = settings
        self._joined = False
        self._database = Database(settings.database)
        self._heart = Database(settings.database.model_copy(update={"pool_size": 1, "max_overflow": 0}), "heartbeat")
        self._registry = WorkerRegistry(self._database, self._heart, identity)
        wakeups, self._leases = WakeUps(), Leases()
        self._publisher = Publisher(settings.rabbitmq, on_connected=wakeups.messages_waiting.ring)
        self._replies = ReplyPublisher(settings.rabbitmq, on_connected=wakeups.messages_waiting.ring)
        engine = self._engine = Engine(
            self._database, self._publisher, self._replies, settings.rabbitmq, redact, wakeups, asyncio.Event()
        )

        outbox, interval, lease = Outbox(self._database, identity.id), settings.worker.poll, settings.worker.lease
        self._relays = [
            ResultRelay(outbox, self._publisher, settings.rabbitmq, interval, lease),
            ResultRelay(outbox, self._replies, settings.rabbitmq, interval, lease, replies=True),
        ]
        self._heartbeat = Heartbeat(self._registry, settings.worker, self._leases, wakeups, on_twin)
        self._watch = DatabaseWatch(self._database, needed_schema(), settings.worker.poll, wakeups)
        self._rescuer = Rescuer(self._registry, settings.worker, settings.course, wakeups)
        self._pruner = Pruner(outbox, self._registry, settings.outbox_keep_days)
        for relay in self._relays:
            wakeups.messages_waiting.subscribe(relay.wake)
            wakeups.database_back.subscribe(relay.wake)

        self._writing = CourseWriting(settings, engine, self._watch) if COURSES in settings.roles else None
        self._parts: list[Part] = []
        if self._writing is not None:
            self._parts += self._course_parts(self._writing, self._registry.membership)
        self._parts += [make(engine) for make in slices]

    async def start(self) -> None:
        """Waits for the database, then starts every part. Parts that need the broker wait for it by themselves."""
        self._publisher.start()
        self._replies.start()
        await self._watch.until_usable()
        self._joined = True
        await self._watch.start()
        await self._heartbeat.start()
        for relay in self._relays:
            await relay.start()
        await self._rescuer.start()
        await self._pruner.start()
        # What was imported stays for good. Frozen, it is left out of full collections, each of which would hold up
        # every course for 0.1 s.
        gc.collect()
        gc.freeze()
        for part in self._parts:
            await part.start()
        _log.info("the worker has started", action="worker_started", version=__version__, pid=os.getpid())

    async def stop(self) -> None:
        """Stops every part, in an order in which each still has what it needs to end its work well."""
        # From this moment on no course is claimed, and no new question asked.
        self._engine.shutdown.set()
        if self._writing is not None:
            self._writing.stop()
        _log.info("the worker stops", action="worker_stopping", grace=self._settings.worker.grace)
        # While parts end their work they need database, publisher, relay and heartbeat.
        await asyncio.gather(*map(self._end, self._parts))
        await self._watch.stop()
        await self._rescuer.stop()
        await self._pruner.stop()
        if self._joined:
            await self._publish_the_last()
        await asyncio.gather(*(asyncio.to_thread(each.stop) for each in (self._publisher, self._replies)))
        await self._heartbeat.stop()
        if self._joined:
            await self._leave()
        await self.close()
        _log.info("the worker has stopped", action="worker_stopped")

    async def close(self) -> None:
        """Closes the connections to the model and the database."""
        if self._writing is not None:
            await self._writing.close()
        self._heart.dispose()
        self._database.dispose()

    def readiness(self) -> dict[str, bool]:
        """Returns, for each thing that the worker and its parts need, whether it is there."""
        ready = {
            "database": self._leases.proven and self._watch.present,
            "broker_publisher": self._publisher.connected,
            "broker_replies": self._replies.connected,
        }
        for part in self._parts:
            try:
                ready |= part.readiness()
            except Exception as error:  # one part that can't tell takes no page down
                ready[part.name] = False
                _log.warning(
                    "a part can't say whether it is ready", action="readiness_failed", part=part.name, error=repr(error)
                )
        return ready

    @property
    def gauge_descriptions(self) -> dict[str, str]:
        """What each gauge of the parts says, by its name."""
        return {name: said for part in self._parts for name, said in part.gauge_descriptions.items()}

    async def gauges(self) -> dict[str, float]:
        """Returns the gauges' present values, by the names in `src.operations.metrics` and `gauge_descriptions`.

        A value that can't be had is left out, such as the backlog while the database is away.
        """
        publishing = max(self._publisher.publishing_for, self._replies.publishing_for)
        found: dict[str, float] = {"publishing_seconds": publishing}
        for part in self._parts:
            try:
                found |= await part.gauges()
            except Exception as error:  # telemetry never breaks work
                _log.warning("a part can't be measured", action="gauges_failed", part=part.name, error=repr(error))
        return {**found, **await self._backlog()}

    async def _end(self, part: Part) -> None:
        """Stops one part. One that fails, or takes much longer than its grace time, keeps no other from its end."""
        try:
            async with asyncio.timeout(self._settings.worker.grace + _LATE_SECONDS):
                await part.stop()
        except Exception as error:
            _log.error("a part did not end as it should", action="part_failed", part=part.name, error=repr(error))

    async def _backlog(self) -> Mapping[str, float]:
        if not self._watch.present:
            return {}
        try:
            async with asyncio.timeout(_BACKLOG_SECONDS):
                return await backlog(self._database)
        except (TimeoutError, SQLAlchemyError, RuntimeError):  # RuntimeError: the worker has stopped by now
            return {}

    def _course_parts(self, writing: CourseWriting, worker: Membership) -> list[Part]:
        """Makes the part that writes courses with the database and, unless `FILES=off`, the one with files only."""
        settings, engine, watch = self._settings, self._engine, self._watch
        slots = Slots(settings.worker.slots)
        state = ProcessState(slots, writing.breaker, self._leases, engine.shutdown, engine.wakeups)
        # A course that is written with files only holds its message, so at least one per slot is taken ahead.
        prefetch = max(settings.rabbitmq.prefetch, settings.worker.slots)
        queue = QueueConsumer(settings.rabbitmq, settings.rabbitmq.queue_generation, prefetch)
        if not settings.files:
            return [Courses(settings, engine.database, state, writing, watch, worker, queue, None)]
        # Made first, it is also the first to hear that the database is lost.
        files_only = FilesOnly(settings, engine, state, writing, watch, queue)
        courses = Courses(settings, engine.database, state, writing, watch, worker, queue, files_only.worker)
        return [files_only, courses]

    async def _publish_the_last(self) -> None:
        try:
            async with asyncio.timeout(_LAST_RESULTS_SECONDS):
                await publish_the_last(self._relays)
        except (TimeoutError, SQLAlchemyError):
            _log.warning("results are left for another worker to publish", action="results_left")

    async def _leave(self) -> None:
        try:
            await self._registry.remove()  # after everything was handed back: rescuers act on its absence at once
        except SQLAlchemyError as error:
            _log.warning("the worker's row is left to be pruned", action="worker_left", error=type(error).__name__)


async def publish_the_last(relays: Sequence[Duty]) -> None:
    """Stops the relays, and has each publish what the last courses left in the outbox.

    One that fails takes no publisher from another: each has come to its end before the first error is raised.
    """

    async def end(relay: Duty) -> None:
        await relay.stop()
        await relay.turn()

    for outcome in await asyncio.gather(*map(end, relays), return_exceptions=True):
        if outcome is not None:
            raise outcome
