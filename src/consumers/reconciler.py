"""Imports what was written while the database was away."""

import structlog
from sqlalchemy.exc import SQLAlchemyError

from src.consumers.database_watch import DatabaseWatch
from src.services.database.connection import is_about_values
from src.services.database.course_import import Import
from src.services.duty import Duty
from src.services.files.importer import FilesImport
from src.services.files.store import FilesStore

_log = structlog.get_logger(__name__)

_INTERVAL = 10.0


class Reconciler(Duty):
    """Imports courses on disk that nobody works on, while the database is there."""

    def __init__(self, files: FilesStore, importer: FilesImport, watch: DatabaseWatch) -> None:
        super().__init__(_INTERVAL)
        self._files = files
        self._importer = importer
        self._watch = watch

    async def turn(self) -> None:
        """Imports each course that waits. One that can't be read doesn't hold up the others."""
        for course_id in await self._files.waiting():
            if self._stopping or not self._watch.present:
                return
            try:
                outcome = await self._importer.run(course_id)
            except (OSError, ValueError, SQLAlchemyError) as error:
                if isinstance(error, SQLAlchemyError) and not is_about_values(error):
                    raise  # the fault is the database's: the next imports would fail too
                _log.error(
                    "a course on disk can't be imported",
                    action="import_failed",
                    course_id=str(course_id),
                    error=f"{type(error).__name__}: {error}",
                )
                continue
            match outcome:
                case Import.DONE:
                    _log.warning("a course is imported from files", action="course_imported", course_id=str(course_id))
                case Import.KNOWN:
                    _log.warning(
                        "a course on disk is in the database already, which keeps its own",
                        action="import_skipped",
                        course_id=str(course_id),
                    )
                case _:
                    pass
