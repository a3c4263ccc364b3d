"""What an attempt keeps its record in, in both of its forms: the database, and files only. One suite: they agree."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from src.consumers.attempt import AttemptRecord
from src.domain.course import Claim
from src.domain.course_json import content_json, course_json, course_of_json
from src.domain.errors import ErrorCode, LeaseLost
from src.domain.files_course import stored_course
from src.domain.finding import soft
from src.domain.lesson import Lesson
from src.domain.model_call import CallPurpose, ModelCall
from src.domain.outline import Outline
from src.domain.quality_figures import findings_json
from src.domain.request import CourseBrief, CourseRequest, IdentifiedRequest
from src.domain.stored_course import StoredCourse, stored_lesson
from src.services.database.connection import Database
from src.services.database.intake import Intake
from src.services.files.mirror import Mirror
from src.services.files.store import FilesStore
from tests.files_only import begun
from tests.lessons import ORIGIN, PASSAGES
from tests.lessons import lesson as good_lesson
from tests.peers import Peer
from tests.sql import Psql

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


class Side(ABC):
    """One of the two forms, with what comes before and after an attempt."""

    record: AttemptRecord

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def paths(self, claim: Claim) -> tuple[str, str]:
        """The folder of a course, and the one to take if another has that."""
        short, long = Mirror(self.folder).output_paths(claim.brief, claim.course_id)
        assert short is not None and long is not None
        return short, long

    def finish(self, claim: Claim) -> None:
        run(self.record.finish(claim, *self.paths(claim)))

    @abstractmethod
    def occupy(self, path: str) -> None:
        """Gives a folder to another course."""

    @abstractmethod
    def begin(self, request: IdentifiedRequest) -> Claim:
        """The first attempt at a course."""

    @abstractmethod
    def resume(self, claim: Claim) -> Claim:
        """The next attempt, after the first one's process has gone."""

    @abstractmethod
    def again(self, claim: Claim) -> Claim:
        """The next attempt, after the one before was released; the time for it has come."""

    @abstractmethod
    def move_back(self, claim: Claim, seconds: int) -> None:
        """Makes the course wait longer by `seconds` than it does."""

    @abstractmethod
    def course(self, claim: Claim) -> StoredCourse:
        """The course as the mirror gets it, when it is finished."""

    @abstractmethod
    def result(self, claim: Claim) -> dict[str, Any]:
        """What is published when the course has ended."""


class DatabaseSide(Side):
    def __init__(self, folder: Path, database: Database, peer: Callable[..., Peer], psql: Psql) -> None:
        super().__init__(folder)
        self._database, self._peer, self._psql = database, peer(), psql
        self.record = self._peer.store

    def begin(self, request: IdentifiedRequest) -> Claim:
        run(Intake(self._database).accept(request, b"{}", redelivered=False, reply=None))
        return self._peer.claim_one()

    def resume(self, claim: Claim) -> Claim:
        run(self._peer.store.release(claim, "its process has gone", ()))
        return self._peer.claim_one()

    def again(self, claim: Claim) -> Claim:
        self._psql.run("UPDATE generation_queue SET run_after = now()")
        return self._peer.claim_one()

    def move_back(self, claim: Claim, seconds: int) -> None:
        self._psql.run(f"UPDATE generation_queue SET postponed_since = postponed_since - interval '{seconds} s'")

    def course(self, claim: Claim) -> StoredCourse:
        course = run(self._peer.store.stored_course(claim.course_id))
        assert course is not None
        return course

    def occupy(self, path: str) -> None:
        self._psql.run(
            "INSERT INTO courses (user_id, topic, title, grade_level, status, output_path)"
            f" VALUES (gen_random_uuid(), 't', 't', 'g', 'READY', '{path}')"
        )

    def result(self, claim: Claim) -> dict[str, Any]:
        ended = "type IN ('course.success', 'course.error')"
        body = f"SELECT convert_from(body, 'UTF8')::json FROM outbox WHERE course_id = '{claim.course_id}' AND {ended}"
        return dict(self._psql.value(body))


class FilesSide(Side):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.record = self._files = FilesStore(folder)

    def begin(self, request: IdentifiedRequest) -> Claim:
        self._request = request
        return run(begun(self._files, request))

    def resume(self, claim: Claim) -> Claim:
        run(self._files.unlock(claim.course_id))
        return self.begin(self._request)

    def again(self, claim: Claim) -> Claim:
        return self.resume(claim)

    def occupy(self, path: str) -> None:
        Path(path).mkdir()
        Path(path, "course.json").write_text(json.dumps({"metadata": {"course_id": str(uuid4())}}))

    def move_back(self, claim: Claim, seconds: int) -> None:
        folder = self._files._folder(claim.course_id)
        entry = folder.request()
        assert entry is not None and entry.postponed_since is not None
        since = entry.postponed_since - timedelta(seconds=seconds)
        folder.write("request.json", entry.model_copy(update={"postponed_since": since}))

    def course(self, claim: Claim) -> StoredCourse:
        course = run(self._files.course(claim.course_id))
        assert course is not None
        return stored_course(course)

    def result(self, claim: Claim) -> dict[str, Any]:
        result = run(self._files.result(claim.course_id))
        assert result is not None
        return result.message.model_dump(mode="json")


@pytest.fixture(params=["database", "files"])
def side(
    request: pytest.FixtureRequest, database: Database, peer: Callable[..., Peer], psql: Psql, tmp_path: Path
) -> Side:
    return DatabaseSide(tmp_path, database, peer, psql) if request.param == "database" else FilesSide(tmp_path)


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
    assert claim.brief == CourseBrief(topic="Cells", num_lessons=2, source_filter="biology/")


def test_what_is_saved_is_there_for_the_next_attempt(side: Side) -> None:
    first = side.begin(request())
    run(side.record.save_outline(first, outline(), [call("outline", None)]))
    run(side.record.save_lesson(first, lesson(2), [call("lesson", 2)]))
    second = side.resume(first)
    assert second.attempt == 2 and second.lease_id != first.lease_id
    assert second.outline == outline()
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
    side.finish(second)
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
    side.finish(claim)
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
            "tokens": 480,
            "repair_tokens": 0,
            "checked_by_rules": ["quotations", "numbers_and_names", "answer_keys", "language", "form"],
            "not_checked": ["meaning_of_citations", "truth_without_sources"],
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


def whole(side: Side, wanted: IdentifiedRequest) -> Claim:
    """A course with all of its lessons, whose attempt hasn't ended."""
    claim = side.begin(wanted)
    run(side.record.save_outline(claim, outline(), [call("outline", None)]))
    for number in (1, 2):
        run(side.record.save_lesson(claim, lesson(number), [call("lesson", number)]))
    return claim


def test_a_finished_course_has_its_result(side: Side) -> None:
    claim = whole(side, request())
    side.finish(claim)
    result = side.result(claim)
    assert result.pop("timestamp")
    assert result.pop("stored_in") == ("files" if isinstance(side, FilesSide) else "database")
    assert result.pop("quality")["lessons_with_sources"] == 2
    assert result == {
        "status": "success",
        "course_id": str(claim.course_id),
        "user_id": str(REQUEST.user_id),
        "request_id": "r-1",
        "course_title": "Cells",
        "total_lessons": 2,
        "message": "Course generated successfully",
        "output_path": side.paths(claim)[0],
        "usage": {"calls": 3, "input_tokens": 300, "cached_tokens": 120, "output_tokens": 60, "cost": 0.003},
    }


def test_a_course_gets_another_folder_if_its_own_is_another_ones(side: Side) -> None:
    claim = whole(side, request())
    short, long = side.paths(claim)
    side.occupy(short)
    side.finish(claim)
    assert side.result(claim)["output_path"] == long


def test_a_course_without_all_of_its_lessons_is_not_finished_and_its_attempt_goes_on(side: Side) -> None:
    claim = side.begin(request())
    run(side.record.save_outline(claim, outline(), []))
    run(side.record.save_lesson(claim, lesson(1), []))
    with pytest.raises(RuntimeError, match="not all of its lessons"):
        side.finish(claim)
    run(side.record.save_lesson(claim, lesson(2), []))
    side.finish(claim)


def test_a_failure_is_the_result_and_its_calls_are_on_record(side: Side) -> None:
    claim = side.begin(request())
    run(side.record.fail(claim, ErrorCode.MODEL_OUTPUT_INVALID, "It makes no sense.", "why", [call("outline", None)]))
    result = side.result(claim)
    assert result.pop("timestamp")
    assert result == {
        "status": "error",
        "course_id": str(claim.course_id),
        "user_id": str(REQUEST.user_id),
        "request_id": "r-1",
        "error_code": "model_output_invalid",
        "retryable": True,
        "message": "It makes no sense.",
    }


@pytest.mark.parametrize("end", ["finish", "fail", "release"])
def test_an_attempt_that_has_ended_writes_nothing(side: Side, end: str) -> None:
    claim = whole(side, request())
    ends: dict[str, Callable[[], object]] = {
        "finish": lambda: side.finish(claim),
        "fail": lambda: run(side.record.fail(claim, ErrorCode.INTERNAL, "no", "no", ())),
        "release": lambda: run(side.record.release(claim, "no", ())),
    }
    ends[end]()
    writes: list[Callable[[], object]] = [
        *ends.values(),
        lambda: run(side.record.save_outline(claim, outline(), ())),
        lambda: run(side.record.save_lesson(claim, lesson(1), ())),
    ]
    for write in writes:
        with pytest.raises(LeaseLost):
            write()


def test_a_course_that_is_put_off_again_and_again_waits_since_the_first_time(side: Side) -> None:
    claim = side.begin(request())
    assert (claim.postponements, claim.postponed_for) == (0, 0)
    for times in (1, 2):
        run(side.record.release(claim, "busy", [call("outline", None)], delay=60, refund=True, postponed=True))
        side.move_back(claim, 100)
        claim = side.again(claim)
        assert (claim.attempt, claim.postponements, claim.tokens) == (1, times, times * 120)
        assert times * 100 <= claim.postponed_for < 3600


def test_a_course_that_is_released_for_another_reason_has_not_waited(side: Side) -> None:
    claim = side.begin(request())
    run(side.record.release(claim, "busy", (), refund=True, postponed=True))
    claim = side.again(claim)
    run(side.record.release(claim, "broken", (), delay=5))
    claim = side.again(claim)
    assert (claim.attempt, claim.postponements, claim.postponed_for) == (2, 0, 0)
    run(side.record.release(claim, "the worker stopped", (), refund=True))
    assert side.again(claim).attempt == 2
