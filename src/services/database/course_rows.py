"""Rows of `courses` as claims, and briefs as rows: the one place where `num_lessons` is `total_lessons`."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from pydantic import ValidationError

from src.domain.course import Broken, Claim, Failed, Lease, Unusable
from src.domain.errors import ErrorCode, InvalidRequest
from src.domain.outline import Outline
from src.domain.request import CourseBrief

_COLUMNS = {field: field for field in CourseBrief.model_fields} | {"num_lessons": "total_lessons"}
"""By the field of a brief, the column of `courses`."""


def brief_columns(brief: CourseBrief) -> dict[str, Any]:
    """Returns the columns of a course that say what it should be about."""
    return {column: getattr(brief, field) for field, column in _COLUMNS.items()}


def claim_of(row: Mapping[Any, Any], max_lessons: int) -> Claim | Unusable:
    """Returns the claim of a row that claim_courses.sql or adopt_courses.sql returned.

    Another program may have inserted it, so anything may be wrong with it. Never raises: the other rows of a batch must
    not suffer.
    """
    lease = {field.name: row[field.name] for field in fields(Lease)}
    lease["saved_lessons"] = frozenset(row["saved_lessons"])
    try:
        brief = CourseBrief.checked({field: row[column] for field, column in _COLUMNS.items()}, max_lessons)
        return Claim(**lease, brief=brief, outline=_outline(row["outline_json"], brief, lease["saved_lessons"]))
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'all of it'}: {fault['msg']}" for fault in error.errors()
        )
        # The lessons rest on an outline that is gone: no other attempt can do better.
        told = Broken.by(error).message
        return Unusable(**lease, outcome=Failed(ErrorCode.INTERNAL, told, f"outline_json was changed: {faults}"))
    except InvalidRequest as error:
        return Unusable(**lease, outcome=Failed(error.code, str(error)))
    except Exception as error:
        return Unusable(**lease, outcome=Broken.by(error))


def _outline(stored: Any, brief: CourseBrief, saved_lessons: frozenset[int]) -> Outline | None:
    """Returns the outline of an earlier attempt; one that doesn't fit is written anew, unless a lesson rests on it."""
    if stored is None:
        return None
    try:
        outline = Outline.model_validate(stored)
    except ValidationError:
        if saved_lessons:
            raise
        return None
    return outline if saved_lessons or len(outline.lessons) == brief.num_lessons else None
