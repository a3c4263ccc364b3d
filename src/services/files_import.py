"""Brings courses that were written with files only into the database, under the ids that they have."""

from enum import Enum, auto
from uuid import UUID

from sqlalchemy import Connection

from src.services.course_store import put_call, put_lesson, put_outline
from src.services.database import Database, sql
from src.services.files_course import FilesCourse
from src.services.files_store import FilesStore
from src.services.intake import put_request


class Import(Enum):
    """What became of a course on disk."""

    DONE = auto()
    """It is in the database: READY or FAILED with its result, or QUEUED with the lessons that it had."""
    KNOWN = auto()
    """The database has it already, and keeps what it has."""
    BUSY = auto()
    """Somebody is writing or importing it."""
    ABSENT = auto()
    """There is no such course on disk."""


class FilesImport:
    """A course is imported in one transaction and then forgotten here; its mirror is written anew from the rows."""

    def __init__(self, database: Database, files: FilesStore) -> None:
        self._database = database
        self._files = files

    async def run(self, course_id: UUID) -> Import:
        """Imports one course. Raises `SQLAlchemyError`, or `OSError` and `ValueError` where it can't be read."""
        if not await self._files.lock(course_id):
            return Import.BUSY if self._files.has(course_id) else Import.ABSENT
        try:
            course = await self._files.course(course_id)
            outcome = Import.ABSENT
            if course is not None:
                outcome = await self._database.run(lambda connection: _import(connection, course))
        except BaseException:
            await self._files.release(course_id)
            raise
        await self._files.forget(course_id)
        return outcome


def _import(connection: Connection, course: FilesCourse) -> Import:
    course_id = course.request.course_id
    connection.execute(sql("set_reason"), {"reason": "written with files only while the database was away"})
    known = connection.execute(sql("import_target"), {"course_id": course_id}).mappings().one_or_none()
    if known is None and not put_request(connection, course.request, course.body_hash):
        return Import.KNOWN  # its request has a course with another id: somebody's import
    if known is not None and not known["untouched"]:
        # What is on disk may be this course's files and not those of the course in the database.
        connection.execute(sql("mark_unmirrored"), {"course_id": course_id})
        return Import.KNOWN
    if course.result is not None:
        connection.execute(sql("start_import"), {"course_id": course_id, "attempts": course.attempt})
    if course.outline is not None:
        put_outline(connection, course_id, course.outline, course.outline_findings)
    for saved in course.lessons:
        put_lesson(connection, course_id, saved.lesson, saved.generated_at)
    for attempt, call in course.calls:
        put_call(connection, course_id, attempt, call)
    if course.result is not None:
        _end(connection, course)
    return Import.DONE


def _end(connection: Connection, course: FilesCourse) -> None:
    assert course.result is not None
    course_id, message = course.request.course_id, course.result.message
    if message.status == "success":
        paths = {"output_path": message.output_path, "long_output_path": None}
        done = connection.execute(sql("finish_course"), {"course_id": course_id, **paths})
        if done.rowcount != 1:
            raise ValueError(f"course {course_id} has a result but not all of its lessons")
    else:
        failure = {"error_code": message.error_code.value, "error_message": message.message}
        connection.execute(sql("fail_course"), {"course_id": course_id, **failure})
    times = {"received_at": course.received_at, "ended_at": course.result.ended_at}
    connection.execute(sql("date_import"), {"course_id": course_id, **times})
    connection.execute(
        sql("put_published_result"),
        {
            "course_id": course_id,
            "message_id": course.result.message_id,
            "correlation_id": course.request.request_id,
            "type": f"course.{message.status}",
            "body": message.encoded(),
            "published_at": course.result.ended_at,
        },
    )
