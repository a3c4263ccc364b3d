"""The columns of `courses` that hold a brief and a claim: `num_lessons` is called `total_lessons` there."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from src.domain.course import Broken, Claim, Failed, Unusable
from src.domain.errors import InvalidRequest
from src.domain.outline import Outline
from src.domain.request import CourseBrief

_LEASE = (
    "course_id",
    "lease_id",
    "attempt",
    "user_id",
    "request_id",
    "saved_lessons",
    "postponements",
    "postponed_for",
    "tokens",
)
# The fields of the brief, by column.
_BRIEF = {
    "topic": "topic",
    "grade_level": "grade_level",
    "total_lessons": "num_lessons",
    "source_filter": "source_filter",
    "language": "language",
}


def brief_columns(brief: CourseBrief) -> dict[str, Any]:
    """Returns the values of the columns that hold the brief, by column."""
    return {column: getattr(brief, field) for column, field in _BRIEF.items()}


def claim_of(row: Mapping[Any, Any], max_lessons: int) -> Claim | Unusable:
    """Returns the claim of a row that claim_courses.sql or adopt_courses.sql returned.

    Another program may have inserted the row, so anything may be wrong with it: then the claim is `Unusable`. Never
    raises, as the other rows of a batch must not suffer.
    """
    lease = {name: row[name] for name in _LEASE} | {"saved_lessons": frozenset(row["saved_lessons"])}
    try:
        brief = CourseBrief.checked({field: row[column] for column, field in _BRIEF.items()}, max_lessons)
        return Claim(**lease, brief=brief, outline=_outline(row["outline_json"], brief, lease["saved_lessons"]))
    except InvalidRequest as error:
        return Unusable(**lease, outcome=Failed(error.code, str(error)))
    except Exception as error:
        return Unusable(**lease, outcome=Broken.by(error))


def _outline(stored: Any, brief: CourseBrief, saved_lessons: frozenset[int]) -> Outline | None:
    """Returns the outline of an earlier attempt; None if there is none, or none that fits, so that it is written anew.

    An outline that saved lessons follow is never written anew. Raises `ValidationError` if that can't be read.
    """
    if stored is None:
        return None
    try:
        outline = Outline.model_validate(stored)
    except ValidationError:
        if saved_lessons:
            raise
        return None
    return outline if saved_lessons or len(outline.lessons) == brief.num_lessons else None
