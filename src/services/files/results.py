"""Status messages of courses that are written with files only: the same as the database composes for its courses."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from src.domain.course import Claim, Lease
from src.domain.errors import ErrorCode
from src.domain.files_course import StoredResult
from src.domain.message import Message
from src.domain.result import CourseQuality, ErrorMessage, ProcessingMessage, SuccessMessage, message_id_of
from src.domain.stored_course import StoredCourse


def success(claim: Lease, course: StoredCourse, output_path: str) -> StoredResult:
    """Returns the result of a course that has its files in `output_path`."""
    message = SuccessMessage(
        request_id=claim.request_id,
        user_id=claim.user_id,
        course_id=claim.course_id,
        course_title=course.title,
        total_lessons=course.total_lessons,
        message="Course generated successfully",
        output_path=output_path,
        stored_in="files",
        usage=course.usage or {},
        quality=course.quality or CourseQuality(),
        timestamp=datetime.now(UTC),
    )
    return StoredResult(
        message=message, message_id=message_id_of(claim.course_id, "course.success"), ended_at=message.timestamp
    )


def failure(claim: Lease, code: ErrorCode, text: str) -> StoredResult:
    """Returns the result of a course that can't be written. `text` says why."""
    message = ErrorMessage(
        request_id=claim.request_id,
        user_id=claim.user_id,
        course_id=claim.course_id,
        error_code=code,
        retryable=code.retryable,
        message=text,
        timestamp=datetime.now(UTC),
    )
    return StoredResult(message=message, message_id=uuid4(), ended_at=message.timestamp)


def processing_status(claim: Claim) -> Message:
    """Returns the message that the writing begins. After a crash, the next attempt sends it under the same id."""
    message = ProcessingMessage(
        request_id=claim.request_id,
        user_id=claim.user_id,
        course_id=claim.course_id,
        message=f"Generating course for '{claim.brief.topic}'",
        timestamp=datetime.now(UTC),
    )
    return _status(message, message_id_of(claim.course_id, "course.processing"))


def result_status(result: StoredResult) -> Message:
    """Returns the message that says how the course ended."""
    return _status(result.message, result.message_id)


def _status(message: ProcessingMessage | SuccessMessage | ErrorMessage, message_id: UUID) -> Message:
    return Message(
        destination="status",
        message_id=message_id,
        correlation_id=message.request_id,
        type=f"course.{message.status}",
        body=message.encoded(),
    )
