"""Composes what courses are written with, in the database or with files only: model, sources and reviews."""

from concurrent.futures import ThreadPoolExecutor

from src.config import Settings
from src.consumers.attempt import AttemptRecord, AttemptRunner
from src.consumers.database_watch import DatabaseWatch
from src.consumers.model_breaker import ModelBreaker
from src.domain.quality.repair_choice import RepairChoice
from src.services.broker.progress import ProgressReporter
from src.services.course_generator import CourseGenerator
from src.services.files.mirror import Mirror
from src.services.model.language_model import OpenAIModel
from src.services.model.prompts import PROMPTS, prompt
from src.services.model.server import ModelServer
from src.services.part import Engine
from src.services.sources.embeddings import Embedder
from src.services.sources.library import SourceLibrary
from src.services.sources.search import SearchWhileAway, SourceSearch
from src.services.sources.vector_store import VectorStoreSearch


class CourseWriting:
    """What all parts of a process write courses with: one model server, one breaker and one thread for reviews."""

    def __init__(self, settings: Settings, engine: Engine, watch: DatabaseWatch) -> None:
        """Raises `RemoteCallsForbidden` or `RecordingError`."""
        for name in PROMPTS:
            prompt(name)  # reads its file now, and not in the middle of a course
        self._settings = settings
        self._engine = engine
        self._watch = watch
        self.server = ModelServer(settings.openai)
        self.breaker = ModelBreaker(self.server.brake)
        self.mirror = Mirror(settings.output_dir if settings.files else None)
        self._model = OpenAIModel(self.server, settings.openai, engine.redact)
        self._progress = ProgressReporter(engine.publisher, settings.rabbitmq).report
        # One thread: reviews are work for the processor, and several would only take the interpreter from each other.
        self._reviews = ThreadPoolExecutor(1, thread_name_prefix="review")
        self._search = self._source_search()
        if not settings.openai.configured:
            self.breaker.disable("no model is configured: set OPENAI_API_KEY, or OPENAI_BASE_URL for another server")

    def runner(self, record: AttemptRecord) -> AttemptRunner:
        """Returns a runner of attempts at the courses of `record`, to be used while the database is there."""
        return self._runner(record, self._search)

    def runner_without_database(self, record: AttemptRecord) -> AttemptRunner:
        """Returns a runner that can also work while the database, and the library of sources in it, is away."""
        search = self._search
        if isinstance(search, SourceLibrary):
            required = self._settings.grounding == "required"
            search = SearchWhileAway(search, lambda: not self._watch.present, required=required)
        return self._runner(record, search)

    def stop(self) -> None:
        """Lets the open calls to the model end. No question is asked after it."""
        self.server.stop()

    async def close(self) -> None:
        """Closes the connections to the model, and drops the reviews that haven't begun."""
        await self.server.close()
        self._reviews.shutdown(cancel_futures=True)

    def _runner(self, record: AttemptRecord, search: SourceSearch) -> AttemptRunner:
        settings = self._settings
        generator = CourseGenerator(
            self._model,
            search,
            record,
            self._progress,
            settings.max_course_tokens,
            settings.grounding,
            self._reviews,
            RepairChoice(settings.repair, settings.repair_weight),
        )
        return AttemptRunner(
            generator, record, self.mirror, self.breaker, self._engine.redact, settings.course, self._engine.shutdown
        )

    def _source_search(self) -> SourceSearch:
        openai = self._settings.openai
        if openai.vector_store_id is not None:
            return VectorStoreSearch(self.server, openai.vector_store_id)
        embedder = None
        if openai.embedding_model is not None:
            embedder = Embedder(self.server, openai.embedding_model, openai.price_embedding)
        return SourceLibrary(self._engine.database, embedder)
