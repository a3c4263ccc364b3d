from typing import Any
from uuid import uuid4

import pytest

from src.domain.course import Claim, Failed, Unusable
from src.domain.errors import ErrorCode
from src.domain.outline import Outline
from src.domain.request import CourseBrief
from src.services.database.course_rows import brief_columns, claim_of
from tests.lessons import PLAN

BRIEF = CourseBrief(topic="Cells", num_lessons=1, source_filter="biology/", language="de")
OUTLINE = {"title": "Cells", "description": "All about them.", "lessons": [PLAN]}
FOREIGN: list[Any] = [{"chapters": []}, {**OUTLINE, "lessons": []}, "text", [1]]


def row(**changes: Any) -> dict[str, Any]:
    lease = {
        "course_id": uuid4(),
        "lease_id": uuid4(),
        "attempt": 2,
        "user_id": uuid4(),
        "request_id": "r-1",
        "saved_lessons": [],
        "postponements": 0,
        "trial_since": None,
        "is_refused_alone": False,
        "postponed_for": 0.0,
        "tokens": 0,
    }
    return {**lease, **brief_columns(BRIEF), "outline_json": None, **changes}


def test_what_is_written_into_a_row_comes_out_of_it() -> None:
    assert brief_columns(BRIEF)["total_lessons"] == 1
    claim = claim_of(row(saved_lessons=[1, 3]), 30)
    assert isinstance(claim, Claim)
    assert (claim.brief, claim.outline, claim.saved_lessons, claim.attempt) == (BRIEF, None, frozenset({1, 3}), 2)


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        ("total_lessons", 31, "num_lessons: Input should be less than or equal to 30"),
        ("total_lessons", -1, "num_lessons"),
        ("topic", " ", "topic"),
        ("topic", "a\nb", "topic"),
        ("language", "?", "language"),
    ],
)
def test_a_row_that_breaks_the_rules_is_an_invalid_request(column: str, value: object, named: str) -> None:
    claim = claim_of(row(**{column: value}), 30)
    assert isinstance(claim, Unusable) and isinstance(claim.outcome, Failed)
    assert claim.outcome.code is ErrorCode.INVALID_REQUEST and claim.outcome.message.startswith(named)
    assert (claim.attempt, claim.request_id) == (2, "r-1")


def test_an_outline_that_was_saved_is_kept() -> None:
    claim = claim_of(row(outline_json=OUTLINE), 30)
    assert isinstance(claim, Claim) and claim.outline == Outline.model_validate(OUTLINE)


@pytest.mark.parametrize("outline", [*FOREIGN, {**OUTLINE, "lessons": [PLAN, {**PLAN, "lesson_number": 2}]}])
def test_an_outline_that_does_not_fit_is_written_anew(outline: Any) -> None:
    claim = claim_of(row(outline_json=outline), 30)
    assert isinstance(claim, Claim) and claim.outline is None


@pytest.mark.parametrize("outline", FOREIGN)
def test_an_outline_that_can_not_be_read_fails_the_course_once_lessons_rest_on_it(outline: Any) -> None:
    claim = claim_of(row(outline_json=outline, saved_lessons=[1]), 30)
    assert isinstance(claim, Unusable) and isinstance(claim.outcome, Failed)
    assert claim.outcome.message == "an unexpected error; the history of the course says which"
    assert claim.outcome.detail.startswith("outline_json was changed: ")
