"""Writes the files of finished courses from the database."""

import asyncio
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from src.services.database.connection import is_about_values
from src.services.database.course_store import CourseStore
from src.services.duty import Duty
from src.services.files.mirror import Mirror, MirrorError

_log = structlog.get_logger(__name__)

_INTERVAL = 30.0
_GRACE = 30.0
"""Seconds that a course's own worker has to write its files."""
_BATCH = 50


class MirrorKeeper(Duty):
    """Mirrors a course to files when its worker asks, and in its turns those whose worker died or met a full disk."""

    def __init__(self, store: CourseStore, mirror: Mirror) -> None:
        super().__init__(_INTERVAL)
        self._store = store
        self._mirror = mirror

    async def turn(self) -> None:
        """Writes the files of every course that has waited longer than a worker needs."""
        if not self._mirror.enabled:
            return
        for course_id in await self._store.unmirrored(_GRACE, _BATCH):
            if self._stopping:
                return
            await self.mirror(course_id)

    async def mirror(self, course_id: UUID) -> None:
        """Writes the files from the committed rows, then lets the result go, even if they can't be written now.

        Raises `SQLAlchemyError` if the database fails. Any other failure is this course's alone, and only logged.
        """
        try:
            course = await self._store.stored_course(course_id)
            if course is None or course.output_path is None:
                return
            await asyncio.to_thread(self._mirror.write, course)
        except Exception as error:
            # Other programs may have stored anything, and the courses after this one are written all the same.
            if isinstance(error, SQLAlchemyError) and not is_about_values(error):
                raise
            _log.error(
                "a course can't be mirrored to files and is tried again",
                action="mirror_failed",
                course_id=str(course_id),
                error=str(error) if isinstance(error, MirrorError) else f"{type(error).__name__}: {error}"[:500],
            )
            await self._store.release_result(course_id, mirrored=False)
        else:
            await self._store.release_result(course_id, mirrored=True)
            _log.debug("a course is mirrored", action="course_mirrored", course_id=str(course_id))
