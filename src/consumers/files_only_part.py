"""The part that writes courses with files only while the database is away, and imports them when it is back."""

from collections.abc import Mapping

import structlog

from src.config import Settings
from src.consumers.course_writing import CourseWriting
from src.consumers.database_watch import DatabaseWatch
from src.consumers.files_only_attempt import FilesAttempt
from src.consumers.files_only_worker import FilesOnlyWorker
from src.consumers.process_state import ProcessState
from src.consumers.reconciler import Reconciler
from src.services.broker.announcer import Announcer
from src.services.broker.consumer import QueueConsumer
from src.services.files.importer import FilesImport
from src.services.files.store import FilesStore
from src.services.part import Engine

_log = structlog.get_logger(__name__)


class FilesOnly:
    """The `Part` of files-only mode, which `FILES=off` leaves out.

    It begins to write before `start` is called if the database is lost before that.
    """

    name = "files_only"
    gauge_descriptions: Mapping[str, str] = {
        "imports_waiting": "Courses written with files only, finished or not, that are not in the database yet"
    }

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        state: ProcessState,
        writing: CourseWriting,
        watch: DatabaseWatch,
        queue: QueueConsumer,
    ) -> None:
        """`queue` brings the requests. Those not begun when the database is back are put back into it."""
        self._files = FilesStore(settings.output_dir)
        importer = FilesImport(engine.database, self._files)
        announcer = Announcer(engine.publisher, engine.replies, settings.rabbitmq)
        runner = writing.runner_without_database(self._files)
        attempt = FilesAttempt(self._files, runner, announcer, engine.shutdown)
        self.worker = FilesOnlyWorker(attempt, self._files, importer, announcer, watch, queue.put_back, settings, state)
        self._reconciler = Reconciler(self._files, importer, watch)
        state.wakeups.database_lost.subscribe(self._go_on_without_database)
        state.wakeups.database_back.subscribe(self.worker.wake)
        state.wakeups.database_back.subscribe(self._reconciler.wake)
        state.wakeups.imports_waiting.subscribe(self._reconciler.wake)

    async def start(self) -> None:
        """Starts the worker and the imports."""
        await self.worker.start()
        await self._reconciler.start()

    async def stop(self) -> None:
        """Lets courses under way finish within the grace time. The messages of the others go back to the queue."""
        await self.worker.stop()
        await self._reconciler.stop()

    def readiness(self) -> Mapping[str, bool]:
        """Returns nothing, because this part needs nothing that others don't."""
        return {}

    async def gauges(self) -> Mapping[str, float]:
        """Returns how many courses wait for their import."""
        return {"imports_waiting": len(await self._files.waiting())}

    def _go_on_without_database(self) -> None:
        _log.warning("requests are written with files only from now on", action="files_only")
        self.worker.begin()
