"""What is stored comes back as it was, and a citation is in the table, in `content_json` and in the Markdown alike."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
import structlog
from hypothesis import given, settings
from sqlalchemy import Connection, text

from src.config import OpenAISettings
from src.consumers.mirror_keeper import MirrorKeeper
from src.domain.course import Claim
from src.domain.markdown import course_markdown
from src.domain.source import Passage
from src.domain.stored_course import StoredLesson
from src.services.database.connection import Database
from src.services.database.course_store import put_lesson, stored_lessons
from src.services.files.mirror import Mirror
from src.services.model.server import ModelServer
from src.services.sources.vector_store import VectorStoreSearch
from tests.lessons import PASSAGES, PLAN, lesson, outline
from tests.peers import Peer
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.stored import lessons

MakePeer = Callable[..., Peer]
QueueCourse = Callable[..., str]


def found_in_vector_store(folder: Path) -> Passage:
    """The one passage of the one document in `folder`."""

    async def search() -> list[Passage]:
        with StandIn(sources=folder) as stand_in:
            server = ModelServer(OpenAISettings(base_url=stand_in.base_url))
            try:
                return await VectorStoreSearch(server, "vs_test").search("plants and animals", None, 5)
            finally:
                await server.close()

    (passage,) = asyncio.run(search())
    return passage


def a_name_of(characters: int, first: str, last: str) -> str:
    """A path that no compression makes shorter."""
    dice = random.Random(7)
    letters = [chr(dice.randint(ord(first), ord(last))) for _ in range(characters - len(".md"))]
    letters[60::60] = ["/"] * len(letters[60::60])
    return "".join(letters) + ".md"


@pytest.mark.parametrize(
    "name", [a_name_of(601, "a", "z"), a_name_of(1000, "\u4e00", "\u9fff")], ids=["601 characters", "3000 bytes"]
)
def test_a_citation_of_a_document_with_a_long_name_is_on_record_everywhere(
    psql: Psql, peer: MakePeer, queue_course: QueueCourse, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(PASSAGES[0].text)
    passage = found_in_vector_store(tmp_path)
    queue_course()
    worker = peer()
    asyncio.run(worker.store.save_lesson(worker.claim_one(), lesson(passages=[passage, PASSAGES[1]]), []))
    stored = psql.row("SELECT content_md, content_json FROM lesson_bodies")
    names = psql.value("SELECT array_agg(document ORDER BY number) FROM lesson_citations")
    assert names == [reference["document"] for reference in stored["content_json"]["references"]]
    assert passage.document in names
    for number, document in enumerate(names, start=1):
        assert f"\n[{number}] {document}: “" in stored["content_md"]


def test_a_lesson_comes_back_from_the_database_as_it_was(database: Database, queue_course: QueueCourse) -> None:
    course_id = UUID(queue_course())

    @settings(max_examples=40)
    @given(lessons())
    def saved_and_read(written: StoredLesson) -> None:
        def work(connection: Connection) -> list[StoredLesson]:
            for _ in range(2):  # the second time changes nothing
                put_lesson(connection, course_id, written)
            found = stored_lessons(connection, course_id)
            connection.execute(text("DELETE FROM public.lessons"))
            return found

        assert database.run_blocking(work) == [written]

    saved_and_read()


def test_a_column_that_this_worker_does_not_know_gets_its_default(
    psql: Psql, database: Database, queue_course: QueueCourse
) -> None:
    """An older worker on a newer schema."""
    psql.run("ALTER TABLE lessons ADD COLUMN of_a_later_version INT NOT NULL DEFAULT 5")
    course_id = UUID(queue_course())
    plain = StoredLesson(lesson_number=1, title="T", content_md="Text.")
    database.run_blocking(lambda connection: put_lesson(connection, course_id, plain))
    assert psql.row("SELECT title, of_a_later_version AS later FROM lessons") == {"title": "T", "later": 5}


def test_a_lesson_that_another_program_inserted_as_a_text_is_part_of_the_course(
    psql: Psql, peer: MakePeer, queue_course: QueueCourse
) -> None:
    course_id = queue_course()
    worker = peer()
    claim = worker.claim_one()
    second = {**PLAN, "lesson_number": 2, "title": "Parts"}

    async def write() -> None:
        await worker.store.save_outline(claim, outline(PLAN, second), [])
        psql.run(
            "INSERT INTO lessons (id, course_id, lesson_number, title)"
            f" VALUES ('{course_id}', '{course_id}', 1, 'Mine');"
            f" INSERT INTO lesson_bodies (lesson_id, content_md) VALUES ('{course_id}', 'My own words.')"
        )
        await worker.store.save_lesson(claim, lesson(plan=second), [])
        await worker.store.finish(claim, "courses/x", "courses/x-long")

    asyncio.run(write())
    course = asyncio.run(worker.store.stored_course(claim.course_id))
    assert course is not None and course.lessons[0].sources is None
    assert "\n## Lesson 1: Mine\n\nMy own words.\n\n## Lesson 2: Parts\n" in course_markdown(course)


def test_a_course_that_can_not_be_read_keeps_no_files_of_others_waiting_and_lets_its_result_go(
    psql: Psql, peer: MakePeer, queue_course: QueueCourse, tmp_path: Path
) -> None:
    """Fault 36: the database holds more than a program can read, for example a date before the year 1."""
    worker = peer()
    keeper = MirrorKeeper(worker.store, Mirror(tmp_path))
    courses = [queue_course() for _ in range(2)]

    async def write() -> None:
        for claim in await worker.store.claim(worker.registry.membership, (), 2, 3, 30):
            assert isinstance(claim, Claim)
            await worker.store.save_outline(claim, outline(PLAN), [])
            await worker.store.save_lesson(claim, lesson(), [])
            await worker.store.finish(claim, f"courses/{claim.course_id}", "courses/long")

    asyncio.run(write())
    psql.run(f"UPDATE courses SET generated_at = '0044-03-15 BC' WHERE id = '{courses[0]}'")
    with structlog.testing.capture_logs() as logged:
        for course_id in courses:
            asyncio.run(keeper.mirror(UUID(course_id)))
    failed = [line["course_id"] for line in logged if line["action"] == "mirror_failed"]
    assert failed == [courses[0]]
    assert [folder.name for folder in tmp_path.iterdir()] == [f"cells-grade-8-{courses[1][:8]}"]
    held = "SELECT count(*) FROM outbox WHERE type = 'course.success' AND publish_after > now()"
    assert psql.value(held) == 0
