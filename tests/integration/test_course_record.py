"""What the generator saves to, in both of its forms: the database, and files only. One suite, so that they agree."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from src.domain.course import Claim
from src.domain.course_json import content_json, course_json, course_of_json
from src.domain.errors import LeaseLost
from src.domain.finding import soft
from src.domain.lesson import Lesson
from src.domain.model_call import CallPurpose, ModelCall
from src.domain.outline import Outline
from src.domain.quality_figures import findings_json
from src.domain.request import CourseRequest, IdentifiedRequest
from src.domain.stored_course import StoredCourse, stored_lesson
from src.services.course_generator import CourseRecord
from src.services.database.connection import Database
from src.services.database.intake import Intake
from src.services.files.store import FilesStore
from tests.lessons import ORIGIN, PASSAGES
from tests.lessons import lesson as good_lesson
from tests.peers import Peer

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


class Side(ABC):
    """One of the two forms, with what comes before and after the generator."""

    record: CourseRecord

    @abstractmethod
    def begin(self, request: IdentifiedRequest) -> Claim:
        """The first attempt at a course."""

    @abstractmethod
    def resume(self, claim: Claim) -> Claim:
        """The next attempt, after the first one's process has gone."""

    @abstractmethod
    def course(self, claim: Claim) -> StoredCourse:
        """The course as the mirror gets it, when every lesson is saved."""


class DatabaseSide(Side):
    def __init__(self, database: Database, peer: Callable[..., Peer]) -> None:
        self._database, self._peer = database, peer()
        self.record = self._peer.store

    def begin(self, request: IdentifiedRequest) -> Claim:
        run(Intake(self._database).accept(request, b"{}", redelivered=False, reply=None))
        return self._peer.claim_one()

    def resume(self, claim: Claim) -> Claim:
        run(self._peer.store.release(claim, "its process has gone", ()))
        return self._peer.claim_one()

    def course(self, claim: Claim) -> StoredCourse:
        run(self._peer.store.finish(claim, "courses/x", "courses/long-x"))
        course = run(self._peer.store.stored_course(claim.course_id))
        assert course is not None
        return course


class FilesSide(Side):
    def __init__(self, folder: Path) -> None:
        self.record = self._files = FilesStore(folder)

    def begin(self, request: IdentifiedRequest) -> Claim:
        self._request = request
        claim = run(self._files.begin(request, b"{}"))
        assert claim is not None
        return claim

    def resume(self, claim: Claim) -> Claim:
        run(self._files.release(claim.course_id))
        return self.begin(self._request)

    def course(self, claim: Claim) -> StoredCourse:
        course = run(self._files.stored_course(claim.course_id))
        assert course is not None
        return course


@pytest.fixture(params=["database", "files"])
def side(request: pytest.FixtureRequest, database: Database, peer: Callable[..., Peer], tmp_path: Path) -> Side:
    return DatabaseSide(database, peer) if request.param == "database" else FilesSide(tmp_path)


REQUEST = CourseRequest(user_id=uuid4(), request_id="r-1", topic="Cells", num_lessons=2, source_filter="biology/")


def request() -> IdentifiedRequest:
    return REQUEST.completed(None, None)


def outline() -> Outline:
    lessons = [
        {
            "lesson_number": number,
            "title": f"Lesson {number}: 'quoted' – ज्ञान",
            "description": "What it is about.",
            "key_concepts": ["cell"],
            "learning_objectives": ["Describe a cell", "Name the parts of a cell"],
        }
        for number in (1, 2)
    ]
    return Outline.model_validate({"title": "Cells", "description": "All about cells.", "lessons": lessons})


def lesson(number: int, introduction: str = "Cells are small parts of us.") -> Lesson:
    passages = [replace(PASSAGES[0], document="biology/both.md"), replace(PASSAGES[1], document=f"biology/{number}.md")]
    plan = outline().lessons[number - 1].model_dump()
    return good_lesson(passages=passages, plan=plan, introduction=introduction)


def call(purpose: CallPurpose, number: int | None, cost: float | None = 0.001) -> ModelCall:
    return ModelCall(uuid4(), purpose, number, "a model", 100, 40, 20, cost, 1.5, "ok")


def test_a_first_attempt_has_everything_to_do(side: Side) -> None:
    claim = side.begin(request())
    assert (claim.course_id, claim.attempt) == (request().course_id, 1)
    assert (claim.user_id, claim.request_id) == (REQUEST.user_id, "r-1")
    assert (claim.outline, claim.saved_lessons) == (None, frozenset())
    assert claim.wanted == {
        "topic": "Cells",
        "grade_level": "Grade 8",
        "num_lessons": 2,
        "source_filter": "biology/",
        "language": "en",
    }


def test_what_is_saved_is_there_for_the_next_attempt(side: Side) -> None:
    first = side.begin(request())
    run(side.record.save_outline(first, outline(), [call("outline", None)]))
    run(side.record.save_lesson(first, lesson(2), [call("lesson", 2)]))
    second = side.resume(first)
    assert second.attempt == 2 and second.lease_id != first.lease_id
    assert Outline.model_validate(second.outline) == outline()
    assert second.saved_lessons == {2}
    (saved,) = run(side.record.stored_lessons(second))
    assert saved.model_copy(update={"generated_at": None}) == stored_lesson(lesson(2))


def test_an_attempt_that_is_over_writes_nothing(side: Side) -> None:
    first = side.begin(request())
    run(side.record.save_outline(first, outline(), []))
    second = side.resume(first)
    for save in (
        side.record.save_outline(first, outline().model_copy(update={"title": "Late"}), []),
        side.record.save_lesson(first, lesson(1, "Written by the one before."), [call("lesson", 1)]),
    ):
        with pytest.raises(LeaseLost):
            run(save)
    run(side.record.save_lesson(second, lesson(1), []))
    run(side.record.save_lesson(second, lesson(2), []))
    course = side.course(second)
    assert course.title == "Cells"
    assert course.lessons[0].sections[0].content == "Cells are small parts of us."
    assert course.usage is not None and course.usage["calls"] == 0


def test_the_finished_course_is_the_same_to_a_reader(side: Side) -> None:
    found = [soft("alike_titles", "lessons.2.title", "Both say the same.")]
    claim = side.begin(request())
    run(side.record.save_outline(claim, outline(), [call("outline", None), call("outline", None, None)], found))
    run(side.record.save_lesson(claim, lesson(2), [call("lesson", 2)]))
    run(side.record.save_lesson(claim, lesson(1), [call("lesson", 1)]))
    stored = side.course(claim)
    assert [saved.model_copy(update={"generated_at": None}) for saved in stored.lessons] == [
        stored_lesson(lesson(number)) for number in (1, 2)
    ]
    course = course_json(stored)
    again = course_of_json(json.loads(json.dumps(course)), stored.id, stored.user_id)
    assert again == stored.model_copy(update={"output_path": None})
    assert course["metadata"].pop("generated_at")
    for saved in course["lessons"]:
        assert saved.pop("generated_at")
    assert json.loads(json.dumps(course["metadata"])) == {
        "course_id": str(request().course_id),
        "user_id": str(REQUEST.user_id),
        "request_id": "r-1",
        "title": "Cells",
        "topic": "Cells",
        "grade_level": "Grade 8",
        "source_filter": "biology/",
        "language": "en",
        "direction": "ltr",
        "total_lessons": 2,
        "usage": {"calls": 4, "input_tokens": 400, "cached_tokens": 160, "output_tokens": 80, "cost": None},
        "quality": {
            "lessons_with_sources": 2,
            "lessons_without_sources": 0,
            "citations": 12,
            "citations_removed": 0,
            "citation_precision": 1,
            "citation_coverage": 0.75,
            "reading_grade": 2.4,
            "hardest_reading_grade": 2.4,
            "checks": 6,
            "valid_keys": 6,
            "hard_findings": 0,
            "soft_findings": 1,
        },
    }
    assert course["outline"] == outline().model_dump(mode="json")
    assert course["outline_findings"] == findings_json(found)
    assert course["all_sources"] == ["biology/1.md", "biology/both.md", "biology/2.md"]
    cited = [(reference["lesson_number"], reference["number"]) for reference in course["all_references"]]
    assert cited == [(lesson, number) for lesson in (1, 2) for number in range(1, 6)]
    for number, saved in enumerate(course["lessons"], start=1):
        assert saved == {
            "lesson_info": outline().lessons[number - 1].model_dump(mode="json"),
            "content": content_json(stored_lesson(lesson(number))),
            "sources": [f"biology/{number}.md", "biology/both.md"],
            "quality": lesson(number).quality.as_json(),
            "origin": asdict(ORIGIN),
        }
