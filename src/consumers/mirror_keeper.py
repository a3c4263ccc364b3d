"""Writes the files of finished courses from the database."""

import asyncio
from uuid import UUID

import structlog

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
        """Writes the files from the committed rows, then lets the result go, even if they can't be written now."""
        course = await self._store.stored_course(course_id)
        if course is None or course.output_path is None:
            return
        try:
            await asyncio.to_thread(self._mirror.write, course.output_path, course)
        except MirrorError as error:
            _log.error(
                "a course can't be mirrored to files and is tried again",
                action="mirror_failed",
                course_id=str(course_id),
                error=str(error),
            )
            await self._store.release_result(course_id, mirrored=False)
        else:
            await self._store.release_result(course_id, mirrored=True)
            _log.debug("a course is mirrored", action="course_mirrored", course_id=str(course_id))
