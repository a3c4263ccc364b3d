"""Brings courses that were written with files only into the database, under the ids that they have."""

from uuid import UUID

from src.services.database.connection import Database
from src.services.database.course_import import Import, import_course
from src.services.files.store import FilesStore


class FilesImport:
    """Imports courses from disk, each in one transaction, and then forgets them there.

    Their files for readers are written anew from the rows.
    """

    def __init__(self, database: Database, files: FilesStore) -> None:
        self._database = database
        self._files = files

    async def run(self, course_id: UUID) -> Import:
        """Imports one course. Raises `SQLAlchemyError`, and `OSError` or `ValueError` if it can't be read."""
        if not await self._files.lock(course_id):
            return Import.BUSY if await self._files.has(course_id) else Import.ABSENT
        try:
            course = await self._files.course(course_id)
            outcome = Import.ABSENT
            if course is not None:
                outcome = await self._database.run(lambda connection: import_course(connection, course))
        except BaseException:
            await self._files.unlock(course_id)
            raise
        await self._files.forget(course_id)
        return outcome
