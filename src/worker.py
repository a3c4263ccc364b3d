"""The worker: its parts are put together here, and started and stopped in the right order."""

import asyncio
import gc
import os
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import structlog
from sqlalchemy.exc import SQLAlchemyError

from src import __version__
from src.config import Settings
from src.consumers.accepted_courses import AcceptedCourses
from src.consumers.attempt import AttemptRecord, AttemptRunner
from src.consumers.course_worker import CourseWorker
from src.consumers.database_watch import DatabaseWatch
from src.consumers.files_attempt import FilesAttempt
from src.consumers.files_only import FilesOnlyWorker
from src.consumers.generation_consumer import GenerationConsumer
from src.consumers.heartbeat import Heartbeat
from src.consumers.mirror_keeper import MirrorKeeper
from src.consumers.model_breaker import ModelBreaker
from src.consumers.pruner import Pruner
from src.consumers.reconciler import Reconciler
from src.consumers.rescuer import Rescuer
from src.consumers.result_relay import ResultRelay
from src.domain.redaction import Redactor
from src.operations.migrations import head_revision
from src.services.broker.announcer import Announcer
from src.services.broker.progress import ProgressReporter
from src.services.broker.publisher import Publisher
from src.services.course_generator import CourseGenerator
from src.services.database.connection import Database
from src.services.database.course_store import CourseStore
from src.services.database.intake import Intake
from src.services.database.outbox import Outbox
from src.services.database.worker_registry import WorkerIdentity, WorkerRegistry
from src.services.files.importer import FilesImport
from src.services.files.mirror import Mirror
from src.services.files.store import FilesStore
from src.services.model.language_model import OpenAIModel
from src.services.model.server import ModelServer
from src.services.sources.embeddings import Embedder
from src.services.sources.library import SourceLibrary
from src.services.sources.search import SearchWhileAway, SourceSearch
from src.services.sources.vector_store import VectorStoreSearch

_log = structlog.get_logger(__name__)

# How long a stopping worker goes on publishing what it has just finished.
_LAST_RESULTS_SECONDS = 5.0
# How long a reader of metrics waits for what the database knows.
_BACKLOG_SECONDS = 2.0


class Worker:
    """One process: all of its parts, and the order in which they start and stop."""

    def __init__(self, settings: Settings, redact: Redactor) -> None:
        """Connects to nothing yet. Call it from the event loop."""
        loop = asyncio.get_running_loop()
        identity = WorkerIdentity(uuid4(), __version__, settings.worker.slots, settings.worker.lease)
        shutdown = self._shutdown = asyncio.Event()
        self._settings = settings
        self._joined = False

        self._database = Database(settings.database)
        self._heart = Database(settings.database.model_copy(update={"pool_size": 1, "max_overflow": 0}), "heartbeat")
        self._registry = WorkerRegistry(self._database, self._heart, identity)
        store, outbox = CourseStore(self._database), Outbox(self._database, identity.id)
        self._store = store

        self._publisher = Publisher(settings.rabbitmq, on_connected=lambda: loop.call_soon_threadsafe(self._relay.wake))
        self._relay = ResultRelay(
            outbox, self._publisher, settings.rabbitmq, settings.worker.poll, settings.worker.lease
        )
        mirror = Mirror(settings.output_dir if settings.files else None)
        self._files = FilesStore(settings.output_dir)
        importer = FilesImport(self._database, self._files)
        self._mirror_keeper = MirrorKeeper(store, mirror)
        self._model_server = ModelServer(settings.openai)
        model = OpenAIModel(self._model_server, settings.openai, redact)
        sources, sources_while_away = self._source_searches()
        self._reviews = ThreadPoolExecutor(1, thread_name_prefix="review")
        progress = ProgressReporter(self._publisher, settings.rabbitmq).report

        accepted = AcceptedCourses()
        self._breaker = ModelBreaker(self._model_server.brake)

        def runner(record: AttemptRecord, search: SourceSearch) -> AttemptRunner:
            generator = CourseGenerator(
                model,
                search,
                record,
                progress,
                settings.max_course_tokens,
                settings.grounding,
                self._reviews,
            )
            return AttemptRunner(generator, record, mirror, self._breaker, redact, settings.course, shutdown)

        self._watch = DatabaseWatch(
            self._database,
            head_revision(),
            settings.worker.poll,
            on_away=self._go_on_with_files,
            on_back=self._look_again,
        )
        self._course_worker = CourseWorker(
            identity.id,
            runner(store, sources),
            store,
            self._breaker,
            self._mirror_keeper,
            settings,
            accepted,
            shutdown,
            may_claim=lambda: self._heartbeat.proven,
            slots_elsewhere=lambda: self._files_only.slots_in_use,
            on_concluded=self._relay.wake,
        )
        announcer = Announcer(self._publisher, settings.rabbitmq)
        self._files_only = FilesOnlyWorker(
            FilesAttempt(self._files, runner(self._files, sources_while_away), announcer, shutdown),
            self._files,
            importer,
            announcer,
            self._breaker,
            self._watch,
            settings,
            accepted,
            shutdown,
            slots_elsewhere=lambda: self._course_worker.slots_in_use,
            hand_back=lambda delivery: self._consumer.repeat(delivery),
            on_ended=lambda: self._reconciler.wake(),
        )
        self._reconciler = Reconciler(self._files, importer, self._watch)
        self._consumer = GenerationConsumer(
            Intake(self._database),
            settings.rabbitmq,
            settings.max_lessons,
            settings.worker.slots,
            self._watch,
            self._files_only if settings.files else None,
            accepted,
            on_accepted=self._course_worker.wake,
            on_answered=self._relay.wake,
        )
        self._heartbeat = Heartbeat(
            self._registry,
            settings.worker,
            held=self._course_worker.held_leases,
            on_lost=self._course_worker.leases_lost,
            on_proven=self._course_worker.wake,
        )
        self._rescuer = Rescuer(self._registry, settings.worker, settings.course, on_rescued=self._look_again)
        self._pruner = Pruner(outbox, self._registry, settings.outbox_keep_days)

    async def start(self) -> None:
        """Waits for the database, then starts every part. Parts that need the broker wait for it by themselves."""
        if not self._settings.openai.configured:
            self._breaker.disable("no model is configured: set OPENAI_API_KEY, or OPENAI_BASE_URL for another server")
        self._publisher.start()
        if self._settings.files:
            await self._files_only.start()
        await self._watch.until_usable()
        self._joined = True
        await self._watch.start()
        await self._heartbeat.start()
        await self._relay.start()
        await self._rescuer.start()
        await self._pruner.start()
        await self._mirror_keeper.start()
        if self._settings.files:
            await self._reconciler.start()
        await self._course_worker.start()
        # What was imported stays for good: without it, a full collection doesn't hold up every course for 0.1 s.
        gc.collect()
        gc.freeze()
        # Last, so that what it accepts finds somebody to work on it.
        await self._consumer.start()
        _log.info("the worker has started", action="worker_started", version=__version__, pid=os.getpid())

    async def stop(self) -> None:
        """Stops every part, in an order in which each still has what it needs to end its work well."""
        # From this moment on no course is claimed, and no new question asked.
        self._shutdown.set()
        self._model_server.stop()
        _log.info("the worker stops", action="worker_stopping", grace=self._settings.worker.grace)
        # Nothing new comes in, while lessons finish: these need database, model and heartbeat.
        await asyncio.gather(self._consumer.stop(), self._course_worker.stop(), self._files_only.stop())
        await self._watch.stop()
        await self._reconciler.stop()
        await self._rescuer.stop()
        await self._pruner.stop()
        await self._mirror_keeper.stop()
        if self._joined:
            await self._publish_the_last()
        await asyncio.to_thread(self._publisher.stop)
        await self._heartbeat.stop()
        if self._joined:
            await self._leave()
        await self.close()
        _log.info("the worker has stopped", action="worker_stopped")

    async def close(self) -> None:
        """Closes what has no work of its own."""
        await self._model_server.close()
        self._reviews.shutdown(cancel_futures=True)
        self._heart.dispose()
        self._database.dispose()

    def readiness(self) -> dict[str, bool]:
        """What the worker needs, and whether it is there."""
        return {
            "database": self._heartbeat.proven and self._watch.present,
            "broker_consumer": self._consumer.connected,
            "broker_publisher": self._publisher.connected,
            "model": not self._breaker.tripped,
        }

    async def gauges(self) -> dict[str, float]:
        """How things are now, by the names in `src.operations.metrics`; without the backlog where that can't be had."""
        own = {
            "slots": self._settings.worker.slots,
            "slots_in_use": self._course_worker.slots_in_use + self._files_only.slots_in_use,
            "model_calls_limit": self._model_server.brake.limit,
            "model_calls_open": self._model_server.brake.open_calls,
            "model_paused_seconds": self._model_server.brake.paused_for,
            "publishing_seconds": self._publisher.publishing_for,
            "imports_waiting": len(await self._files.waiting()) if self._settings.files else 0,
        }
        if not self._watch.present:
            return own
        try:
            async with asyncio.timeout(_BACKLOG_SECONDS):
                return {**own, **await self._store.backlog()}
        except (TimeoutError, SQLAlchemyError, RuntimeError):  # the last one: the worker has stopped by now
            return own

    def _source_searches(self) -> tuple[SourceSearch, SourceSearch]:
        """For courses in the database, and for those with files only."""
        openai = self._settings.openai
        if openai.vector_store_id is not None:
            store = VectorStoreSearch(self._model_server, openai.vector_store_id)
            return store, store
        embedder = (
            Embedder(self._model_server, openai.embedding_model, openai.price_embedding)
            if openai.embedding_model
            else None
        )
        library = SourceLibrary(self._database, embedder)
        required = self._settings.grounding == "required"
        return library, SearchWhileAway(library, lambda: not self._watch.present, required=required)

    def _look_again(self) -> None:
        self._course_worker.wake()
        self._relay.wake()
        self._files_only.wake()
        self._reconciler.wake()

    async def _go_on_with_files(self) -> None:
        if self._settings.files:
            _log.warning("requests are written with files only from now on", action="files_only")
            await self._consumer.start()

    async def _publish_the_last(self) -> None:
        try:
            async with asyncio.timeout(_LAST_RESULTS_SECONDS):
                await self._relay.stop()
                await self._relay.turn()  # what the last courses left in the outbox
        except (TimeoutError, SQLAlchemyError):
            _log.warning("results are left for another worker to publish", action="results_left")

    async def _leave(self) -> None:
        try:
            await self._registry.remove()  # after everything was handed back: rescuers act on its absence at once
        except SQLAlchemyError as error:
            _log.warning("the worker's row is left to be pruned", action="worker_left", error=type(error).__name__)
