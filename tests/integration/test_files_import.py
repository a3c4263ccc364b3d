"""Courses that were written with files only, on their way into the database."""

import asyncio
import json
from collections.abc import Callable, MutableMapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import structlog

from src.consumers.database_watch import DatabaseWatch
from src.consumers.reconciler import Reconciler
from src.domain.course import Claim
from src.domain.errors import RequestIdConflict
from src.domain.files_course import FilesCourse, StoredResult
from src.domain.quality_figures import course_figures
from src.domain.result import SuccessMessage, message_id_of
from src.operations.known_schema import needed_schema
from src.services.database.connection import Database
from src.services.database.course_import import Import
from src.services.database.intake import Intake
from src.services.files.importer import FilesImport
from src.services.files.store import FilesStore, NotBegun
from src.services.wakeups import WakeUps
from tests.files_only import begun
from tests.integration.test_course_record import REQUEST, call, lesson, outline, request
from tests.peers import Peer
from tests.sql import Psql

ENDED = datetime.now(UTC) - timedelta(hours=3)


@pytest.fixture
def files(tmp_path: Path) -> FilesStore:
    return FilesStore(tmp_path)


def written(files: FilesStore, lessons: int = 2, *, ended: bool = True) -> Claim:
    """A course of two lessons on disk, as far as `lessons` says."""

    async def write() -> Claim:
        claim = await begun(files, request())
        await files.save_outline(claim, outline(), [call("outline", None)])
        for number in range(1, lessons + 1):
            await files.save_lesson(claim, lesson(number), [call("lesson", number)])
        if ended:
            message = SuccessMessage(
                request_id=claim.request_id,
                user_id=claim.user_id,
                course_id=claim.course_id,
                course_title="Cells",
                total_lessons=2,
                message="Course generated successfully",
                output_path="courses/cells",
                stored_in="files",
                usage={},
                quality={},
                timestamp=ENDED,
            )
            result = StoredResult(
                message=message, message_id=message_id_of(claim.course_id, "course.success"), ended_at=ENDED
            )
            files._folder(claim.course_id).write("result.json", result)
        await files.unlock(claim.course_id)
        return claim

    return asyncio.run(write())


def imported(database: Database, files: FilesStore) -> Import:
    return asyncio.run(FilesImport(database, files).run(request().course_id))


def test_a_finished_course_is_ready_with_its_own_times_and_its_result_is_published(
    database: Database, files: FilesStore, psql: Psql
) -> None:
    claim = written(files)
    assert imported(database, files) is Import.DONE
    row = psql.row("SELECT id, status, attempts, generated_at, usage, quality, sources, output_path FROM courses")
    assert datetime.fromisoformat(row.pop("generated_at")) == ENDED
    calls = [call("outline", None), call("lesson", 1), call("lesson", 2)]
    assert row == {
        "id": str(claim.course_id),
        "status": "READY",
        "attempts": 1,
        "usage": {"calls": 3, "input_tokens": 300, "cached_tokens": 120, "output_tokens": 60, "cost": 0.003},
        "quality": course_figures(
            [lesson(n).quality for n in (1, 2)], [["biology/both.md"]] * 2, [], calls
        ).model_dump(),
        "sources": ["biology/1.md", "biology/both.md", "biology/2.md"],
        "output_path": "courses/cells",
    }
    message = psql.row("SELECT type, message_id, published_at IS NOT NULL AS published FROM outbox")
    assert message == {
        "type": "course.success",
        "message_id": str(message_id_of(claim.course_id, "course.success")),
        "published": True,
    }
    assert psql.value("SELECT count(*) FROM generation_queue") == 0
    assert psql.value("SELECT array_agg(to_status ORDER BY id) FROM course_events") == ["QUEUED", "GENERATING", "READY"]
    assert "files only" in psql.value("SELECT reason FROM course_events LIMIT 1")
    assert asyncio.run(files.waiting()) == []
    assert imported(database, files) is Import.ABSENT


def test_an_unfinished_course_is_queued_with_what_it_has(
    database: Database, files: FilesStore, psql: Psql, peer: Callable[..., Peer]
) -> None:
    written(files, lessons=1, ended=False)
    assert imported(database, files) is Import.DONE
    claim = peer().claim_one()
    assert (claim.attempt, claim.saved_lessons) == (1, frozenset({1}))
    assert psql.value("SELECT count(*) FROM model_calls") == 2


def test_a_course_that_was_accepted_and_not_begun_is_filled_in(
    database: Database, files: FilesStore, psql: Psql, peer: Callable[..., Peer]
) -> None:
    """The commit of its acceptance was cut off: nobody knew that the database has it."""
    asyncio.run(Intake(database).accept(request(), b"{}", redelivered=False, reply=None))
    written(files)
    assert imported(database, files) is Import.DONE
    assert psql.value("SELECT status FROM courses") == "READY"
    assert peer().claim() == []


def test_a_course_that_somebody_has_begun_keeps_its_own(
    database: Database, files: FilesStore, psql: Psql, peer: Callable[..., Peer]
) -> None:
    asyncio.run(Intake(database).accept(request(), b"{}", redelivered=False, reply=None))
    claim = peer().claim_one()
    written(files)
    assert imported(database, files) is Import.KNOWN
    assert psql.row("SELECT status, outline_json FROM courses") == {"status": "GENERATING", "outline_json": None}
    assert str(psql.value("SELECT lease_id FROM generation_queue")) == str(claim.lease_id)
    assert asyncio.run(files.waiting()) == []


def test_a_course_that_another_process_is_writing_is_left_alone(
    database: Database, files: FilesStore, psql: Psql, tmp_path: Path
) -> None:
    written(files, lessons=1, ended=False)
    other = FilesStore(tmp_path)
    assert asyncio.run(other.lock(request().course_id))
    assert imported(database, files) is Import.BUSY
    assert asyncio.run(files.begin(request(), b"{}")) is NotBegun.BUSY
    assert psql.value("SELECT count(*) FROM courses") == 0
    asyncio.run(other.unlock(request().course_id))
    assert imported(database, files) is Import.DONE


def test_a_course_that_can_not_be_imported_stays_on_disk(database: Database, files: FilesStore, tmp_path: Path) -> None:
    written(files)
    (tmp_path / ".files-only" / str(request().course_id) / "lesson-2.json").unlink()
    with pytest.raises(ValueError, match="not all of its lessons"):
        imported(database, files)
    assert asyncio.run(files.waiting()) == [request().course_id]


def test_another_request_with_the_same_id_is_a_conflict_and_changes_nothing(files: FilesStore) -> None:
    written(files, lessons=1, ended=False)
    other = request().model_copy(update={"topic": "Stars"})
    with pytest.raises(RequestIdConflict):
        asyncio.run(files.begin(other, b"{}"))
    assert asyncio.run(begun(files, request())).attempt == 2


def test_a_request_without_id_is_recognised_only_when_it_comes_again(files: FilesStore) -> None:
    body = b'{"topic": "Cells"}'
    first = request().model_copy(update={"request_id": "made-up", "id_given": False})
    asyncio.run(begun(files, first, body))
    again = request().model_copy(update={"request_id": str(uuid4()), "id_given": False})

    def recognised(body: bytes, *, redelivered: bool) -> str:
        return asyncio.run(files.recognised(again, body, redelivered=redelivered)).request_id

    assert recognised(body, redelivered=True) == "made-up"
    assert recognised(body, redelivered=False) == again.request_id
    assert recognised(b"{}", redelivered=True) == again.request_id


def test_the_database_makes_the_same_id_for_a_success(
    database: Database, psql: Psql, peer: Callable[..., Peer], queue_course: Callable[..., str]
) -> None:
    queue_course(lessons=2)
    worker = peer()
    claim = worker.claim_one()
    asyncio.run(worker.store.save_outline(claim, outline(), ()))
    for number in (1, 2):
        asyncio.run(worker.store.save_lesson(claim, lesson(number), ()))
    asyncio.run(worker.store.finish(claim, None, None))
    sent = psql.value("SELECT message_id FROM outbox WHERE type = 'course.success'")
    assert sent == str(message_id_of(claim.course_id, "course.success"))


def as_written_before_citations(saved: Path) -> None:
    """Makes of a lesson on disk one of an earlier state of this program."""
    content = json.loads(saved.read_text())
    text = content["lesson"]["text"]
    text["passages"] = [citation["passage"] for citation in text.pop("citations")]
    for check in text["checks"]:
        del check["kind"], check["evidence"]
    for name in ("language", "references", "check_references", "quality", "origin"):
        del content["lesson"][name]
    saved.write_text(json.dumps(content))


def count_set_aside(logged: list[MutableMapping[str, Any]]) -> int:
    return sum(entry.get("action") == "lesson_set_aside" for entry in logged)


class TestLessonOfAnEarlierVersion:
    spoil: Callable[[Path], object]
    calls_are_lost: bool

    @pytest.fixture(params=["old", "no JSON", "no text"])
    def folder(self, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
        """Of a course of two lessons, to be made unreadable in the second."""
        self.spoil = {
            "old": as_written_before_citations,
            "no JSON": lambda saved: saved.write_text("{half"),
            "no text": lambda saved: saved.write_bytes(b"\xff"),
        }[request.param]
        self.calls_are_lost = request.param != "old"
        return tmp_path / ".files-only" / str(REQUEST.completed(None, None).course_id)

    @pytest.mark.parametrize("ended", [False, True])
    def test_the_database_gets_the_course_without_it(
        self, database: Database, files: FilesStore, psql: Psql, peer: Callable[..., Peer], folder: Path, ended: bool
    ) -> None:
        written(files, ended=ended)
        self.spoil(folder / "lesson-2.json")
        with structlog.testing.capture_logs() as logged:
            assert imported(database, files) is Import.DONE
        assert count_set_aside(logged) == 1
        claim = peer().claim_one()
        assert claim.saved_lessons == {1} and claim.outline == outline()
        assert psql.value("SELECT count(*) FROM model_calls") == (2 if self.calls_are_lost else 3)
        assert psql.value("SELECT count(*) FROM outbox WHERE type = 'course.success'") == 0

    @pytest.mark.parametrize("ended", [False, True])
    def test_with_files_only_it_is_written_again(self, files: FilesStore, folder: Path, ended: bool) -> None:
        written(files, ended=ended)
        self.spoil(folder / "lesson-2.json")
        before = {name: (folder / name).read_text() for name in ("outline.json", "lesson-1.json")}

        async def go_on() -> FilesCourse:
            claim = await begun(files, request())
            assert claim.attempt == 2
            assert claim.saved_lessons == {1} and claim.outline == outline()
            assert (folder / "lesson-2.json.unreadable").exists() and not (folder / "lesson-2.json").exists()
            unfinished = await files.course(claim.course_id)
            assert unfinished is not None and unfinished.result is None and not unfinished.finished
            await files.save_lesson(claim, lesson(2), [call("lesson", 2)])
            course = await files.course(claim.course_id)
            assert course is not None
            return course

        with structlog.testing.capture_logs() as logged:
            course = asyncio.run(go_on())
        assert count_set_aside(logged) == 1
        assert course.finished and len(course.calls) == (3 if self.calls_are_lost else 4)
        assert {name: (folder / name).read_text() for name in before} == before

    def test_the_reconciler_imports_it_too(
        self, database: Database, files: FilesStore, psql: Psql, folder: Path
    ) -> None:
        written(files)
        self.spoil(folder / "lesson-2.json")

        async def look() -> None:
            watch = DatabaseWatch(database, needed_schema(), interval=1, wakeups=WakeUps())
            await Reconciler(files, FilesImport(database, files), watch).turn()

        asyncio.run(look())
        assert asyncio.run(files.waiting()) == []
        assert psql.value("SELECT status FROM courses") == "QUEUED"


@pytest.mark.parametrize("name", ["request.json", "outline.json", "result.json"])
def test_no_other_file_is_set_aside(database: Database, files: FilesStore, tmp_path: Path, name: str) -> None:
    written(files)
    folder = tmp_path / ".files-only" / str(request().course_id)
    (folder / name).write_text("{half")
    with pytest.raises(ValueError, match="Invalid JSON"):
        imported(database, files)
    assert (folder / name).read_text() == "{half"


def test_a_course_whose_values_no_row_can_hold_keeps_no_other_from_being_imported(
    psql: Psql, files: FilesStore, database: Database
) -> None:
    odd = replace(call("outline", None), input_tokens=2**40)

    async def write_and_import() -> None:
        for request_id, calls in (("r-odd", [odd]), ("r-good", [])):
            claim = await begun(files, REQUEST.model_copy(update={"request_id": request_id}).completed(None, None))
            await files.save_outline(claim, outline(), calls)
            await files.unlock(claim.course_id)
        watch = DatabaseWatch(database, needed_schema(), interval=1, wakeups=WakeUps())
        await Reconciler(files, FilesImport(database, files), watch).turn()
        assert len(await files.waiting()) == 1

    asyncio.run(write_and_import())
    assert psql.rows("SELECT request_id FROM courses") == [{"request_id": "r-good"}]


def test_a_disk_that_is_away_begins_no_course_and_is_waited_for_by_those_that_are_begun(
    files: FilesStore, tmp_path: Path
) -> None:
    async def write() -> None:
        (tmp_path / ".files-only").write_text("in the way")
        with pytest.raises(OSError, match="no folder"):
            await files.begin(request(), b"{}")
        (tmp_path / ".files-only").unlink()
        claim = await begun(files, request())
        folder = tmp_path / ".files-only" / str(claim.course_id)
        folder.rename(tmp_path / "elsewhere")
        saving = asyncio.create_task(files.save_outline(claim, outline(), []))
        done, _ = await asyncio.wait([saving], timeout=0.01)
        assert not done
        (tmp_path / "elsewhere").rename(folder)
        await saving
        course = await files.course(claim.course_id)
        assert course is not None and course.outline == outline()

    asyncio.run(write())
