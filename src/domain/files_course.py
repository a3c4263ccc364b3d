"""The files of a course that was written while the database was away, and the course that is made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from src.domain.finding import Finding
from src.domain.lesson import Lesson
from src.domain.model_call import ModelCall
from src.domain.outline import Outline
from src.domain.quality_figures import course_figures
from src.domain.request import IdentifiedRequest
from src.domain.result import ErrorMessage, SuccessMessage
from src.domain.stored_course import StoredCourse, stored_lesson

_COST_STEP = Decimal("0.000001")


class RequestEntry(BaseModel):
    """The content of `request.json`: a request, and how often its course was tried."""

    request: IdentifiedRequest
    body_hash: str | None
    received_at: AwareDatetime
    attempt: int
    postponements: int = 0
    """How often in a row the course was put off because the model or the sources were away."""
    postponed_since: AwareDatetime | None = None
    """When it was put off for the first of these times; None if it wasn't."""

    def begun(self) -> Self:
        """Returns the entry with one more attempt."""
        return self.model_copy(update={"attempt": self.attempt + 1})

    def released(self, now: datetime, *, refund: bool, postponed: bool) -> Self:
        """Returns the entry after an attempt without result. `refund`: the attempt doesn't count.

        release_lease.sql does the same in the database.
        """
        changes = {
            "attempt": self.attempt - refund,
            "postponements": self.postponements + 1 if postponed else 0,
            "postponed_since": (self.postponed_since or now) if postponed else None,
        }
        return self.model_copy(update=changes)

    def postponed_for(self, now: datetime) -> float:
        """Returns the seconds since the course was put off for the first of these times; 0 if it wasn't."""
        return max(0.0, (now - self.postponed_since).total_seconds()) if self.postponed_since else 0.0


class Calls(BaseModel):
    """The content of `calls-*.json`: calls of one attempt that led to nothing else that was saved.

    The calls that led to an outline or a lesson are saved with it.
    """

    attempt: int
    calls: list[ModelCall]


class SavedOutline(Calls):
    """The content of `outline.json`."""

    outline: Outline
    findings: tuple[Finding, ...] = ()


class SavedLesson(Calls):
    """The content of `lesson-*.json`."""

    model_config = ConfigDict(serialize_by_alias=True)

    lesson: Lesson
    generated_at: AwareDatetime


class StoredResult(BaseModel):
    """The content of `result.json`: how a course ended, as it was or will be published."""

    message: SuccessMessage | ErrorMessage
    message_id: UUID
    ended_at: AwareDatetime


@dataclass(frozen=True, slots=True)
class FilesCourse:
    """Everything that is on disk of one course."""

    request: IdentifiedRequest
    body_hash: str | None
    received_at: datetime
    attempt: int
    outline: Outline | None
    outline_findings: tuple[Finding, ...]
    lessons: tuple[SavedLesson, ...]
    calls: tuple[tuple[int, ModelCall], ...]
    """Calls to the model, each after the number of the attempt that made it."""
    result: StoredResult | None

    @property
    def finished(self) -> bool:
        """Whether every lesson of the outline is there."""
        return self.outline is not None and len(self.lessons) == len(self.outline.lessons)


def stored_course(course: FilesCourse) -> StoredCourse:
    """Returns a finished course as it is stored, without its `output_path`."""
    assert course.outline is not None
    request, lessons = course.request, [saved.lesson for saved in course.lessons]
    sources = [lesson.sources for lesson in lessons]
    calls = [call for _, call in course.calls]
    return StoredCourse(
        id=request.course_id,
        user_id=request.user_id,
        request_id=request.request_id,
        title=course.outline.title,
        topic=request.topic,
        grade_level=request.grade_level,
        source_filter=request.source_filter,
        language=request.language,
        total_lessons=len(lessons),
        outline=course.outline.model_dump(mode="json"),
        outline_findings=course.outline_findings,
        lessons=[stored_lesson(saved.lesson, saved.generated_at) for saved in course.lessons],
        sources=list(dict.fromkeys(document for documents in sources for document in documents)),
        usage=usage(calls),
        quality=course_figures([lesson.quality for lesson in lessons], sources, course.outline_findings, calls),
        generated_at=max(saved.generated_at for saved in course.lessons),
    )


def usage(calls: Sequence[ModelCall]) -> dict[str, Any]:
    """Returns the value of `courses.usage`; the function course_usage of the database makes the same from rows.

    `cost` is the sum of the known costs in US dollars, each rounded to six places as its column is. It is None if a
    call that took tokens has no cost, as the sum of the others would look too small.
    """
    known = [Decimal(str(call.cost)).quantize(_COST_STEP, ROUND_HALF_UP) for call in calls if call.cost is not None]
    unknown = any(call.cost is None and call.input_tokens + call.output_tokens > 0 for call in calls)
    return {
        "calls": len(calls),
        "input_tokens": sum(call.input_tokens for call in calls),
        "cached_tokens": sum(call.cached_tokens for call in calls),
        "output_tokens": sum(call.output_tokens for call in calls),
        "cost": float(sum(known)) if known and not unknown else None,
    }
