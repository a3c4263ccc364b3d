"""The import of courses that were written with files only while the database was away."""

from enum import Enum, auto

from sqlalchemy import Connection

from src.domain.files_course import FilesCourse
from src.domain.stored_course import stored_lesson
from src.services.database.course_store import put_call, put_lesson, put_outline
from src.services.database.intake import put_request
from src.services.database.statements import sql


class Import(Enum):
    """What became of a course that was to be imported from disk."""

    DONE = auto()
    """The database has it now: READY or FAILED with its result, or QUEUED with the lessons that it had."""
    KNOWN = auto()
    """The database had it already, and keeps what it had."""
    BUSY = auto()
    """Somebody is writing or importing it."""
    ABSENT = auto()
    """There is no such course on disk."""


def import_course(connection: Connection, course: FilesCourse) -> Import:
    """Writes a course from disk, finished or not, into the database, in the transaction of `connection`.

    Raises `ValueError` if it has a result but not all of its lessons.
    """
    course_id = course.request.course_id
    connection.execute(sql("set_reason"), {"reason": "written with files only while the database was away"})
    known = connection.execute(sql("import_target"), {"course_id": course_id}).mappings().one_or_none()
    if known is None and not put_request(connection, course.request, course.body_hash):
        return Import.KNOWN  # its request has a course under another id: somebody else imported it
    if known is not None and not known["untouched"]:
        # The mirror's files may be made of the course on disk, so they are written anew from the database.
        connection.execute(sql("mark_unmirrored"), {"course_id": course_id})
        return Import.KNOWN
    if course.result is not None:
        connection.execute(sql("start_import"), {"course_id": course_id, "attempts": course.attempt})
    if course.outline is not None:
        put_outline(connection, course_id, course.outline, course.outline_findings)
    for saved in course.lessons:
        put_lesson(connection, course_id, stored_lesson(saved.lesson, saved.generated_at))
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
