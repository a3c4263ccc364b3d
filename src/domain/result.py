"""The messages that the worker publishes about a course (docs/contract/status.schema.json).

For courses that the database holds, the database itself writes them (its function `status_message`), so that a status
and its message commit together. These models are the contract for both; the worker makes from them only the messages
that are about no course in the database.
"""

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from src.domain.errors import CourseError, ErrorCode


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)

    request_id: Annotated[str | None, Field(description="null if the request had no valid one")]
    user_id: UUID | None
    message: str
    timestamp: Annotated[
        AwareDatetime,
        # The database writes +00:00 in its messages, not Z, so the worker does too.
        PlainSerializer(lambda time: time.astimezone(UTC).isoformat(timespec="microseconds"), when_used="json"),
        WithJsonSchema({"type": "string", "format": "date-time"}),
        Field(description="ISO 8601, UTC"),
    ]

    def encoded(self) -> bytes:
        """Returns the message body."""
        return self.model_dump_json().encode()


class ProcessingMessage(_Message):
    """A worker has started on the course."""

    status: Literal["processing"] = "processing"
    course_id: UUID


class CourseQuality(BaseModel):
    """What was measured of a course. A field that is absent or null was not measured."""

    model_config = ConfigDict(frozen=True)

    lessons_with_sources: int | None = None
    lessons_without_sources: Annotated[int | None, Field(description="These are marked as ungrounded")] = None
    citations: Annotated[int | None, Field(description="Citations that are shown")] = None
    citations_removed: Annotated[int | None, Field(description="Citations that could not be verified")] = None
    citation_precision: Annotated[
        float | None, Field(description="The share of the shown citations that were verified")
    ] = None
    citation_coverage: Annotated[
        float | None, Field(description="The share of factual sentences that carry a citation")
    ] = None
    reading_grade: Annotated[float | None, Field(description="Flesch-Kincaid grade over all lessons; English only")] = (
        None
    )
    hardest_reading_grade: float | None = None
    checks: int | None = None
    valid_keys: Annotated[int | None, Field(description="Questions whose key their own evidence bears out")] = None
    hard_findings: int | None = None
    soft_findings: int | None = None
    tokens: Annotated[int | None, Field(description="Tokens that all calls to models took")] = None
    repair_tokens: Annotated[
        int | None, Field(description="Those of the tokens with which answers were sent back to be put right")
    ] = None
    checked_by_rules: Annotated[
        list[str] | None, Field(description="What the figures and findings rest on: rules, which can be read")
    ] = None
    not_checked: Annotated[list[str] | None, Field(description="What no rule can tell, and nobody has read")] = None


class SuccessMessage(_Message):
    """The course is READY."""

    status: Literal["success"] = "success"
    course_id: UUID
    course_title: str
    total_lessons: int
    output_path: Annotated[str | None, Field(description="Folder of the mirrored files; null if FILES=off")]
    stored_in: Literal["database", "files"]
    usage: Annotated[dict[str, Any], Field(description="Model calls and tokens that the course took")]
    quality: CourseQuality


class ErrorMessage(_Message):
    """The request was refused, or its course is FAILED."""

    status: Literal["error"] = "error"
    course_id: Annotated[UUID | None, Field(description="null if the request made no course")]
    error_code: ErrorCode
    retryable: Annotated[bool, Field(description="Whether the same request may succeed later, unchanged")]


StatusMessage = Annotated[ProcessingMessage | SuccessMessage | ErrorMessage, Field(discriminator="status")]


class ProgressMessage(_Message):
    """One more step of a course is done. Best effort: may be missed, never repeated."""

    status: Literal["generating"] = "generating"
    course_id: UUID
    lessons_done: int
    total_lessons: int
    lesson_number: Annotated[int | None, Field(description="The lesson just saved; null for the outline")]


def message_id_of(course_id: UUID, kind: str) -> UUID:
    """Returns the `message_id` of a message about a course, the same for whoever sends it. `kind`: its AMQP `type`.

    So the message of success has the same id from the database as from a worker with files only. The function
    `put_status` makes the id in the same way, and a test compares the two.
    """
    return UUID(bytes=hashlib.sha256(course_id.bytes + kind.encode()).digest()[:16])


def refusal(request_id: str | None, user_id: UUID | None, error: CourseError, now: datetime) -> ErrorMessage:
    """Returns the error status of a request that made no course."""
    return ErrorMessage(
        request_id=request_id,
        user_id=user_id,
        course_id=None,
        error_code=error.code,
        retryable=error.code.retryable,
        message=str(error),
        timestamp=now,
    )
