"""What an operator does with plain SQL while a worker runs."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest

from src.devtools.local_postgres import LocalPostgres
from src.operations.known_schema import ROOT
from src.operations.migrations import upgrade
from tests.conftest import Workers
from tests.integration.test_migrations import ORIGINAL, rows
from tests.peers import Peer, claim_messages
from tests.sql import Psql, SQLError
from tests.stand_in import StandIn
from tests.upstream import STATUS, Upstream


def test_cancel_in_the_middle_of_a_course(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
) -> None:
    stand_in.fault("hold", lesson=2)
    worker = workers.start()
    request_id = upstream.request(user_id, num_lessons=2)
    worker.wait_for("lesson_saved", lesson=1)
    stand_in.wait_until_held()
    psql.run("UPDATE courses SET status = 'FAILED', error_message = 'Not wanted any more'")
    result = upstream.result().fields
    assert (result["request_id"], result["status"], result["error_code"]) == (request_id, "error", "cancelled")
    assert result["message"] == "Not wanted any more"
    worker.wait_for("lease_lost")  # noticed by the heartbeat, while the model is still silent
    stand_in.release()
    assert worker.stop() == 0
    assert psql.row("SELECT status, error_code FROM courses") == {"status": "FAILED", "error_code": "cancelled"}
    assert psql.value("SELECT count(*) FROM lessons") == 1
    assert upstream.waiting(STATUS) == []


def test_retry_goes_on_where_the_course_failed(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
) -> None:
    stand_in.fault("refusal", lesson=2)
    workers.start()
    upstream.request(user_id, num_lessons=3)
    failed = upstream.result()
    assert failed.fields["error_code"] == "model_refused"
    assert psql.value("SELECT count(*) FROM lessons") == 2
    psql.run("UPDATE courses SET status = 'QUEUED'")
    assert upstream.result().fields["status"] == "success"
    assert stand_in.calls == {
        "Cell Biology/outline": 1,
        "Cell Biology/lesson 1": 1,
        "Cell Biology/lesson 2": 2,
        "Cell Biology/lesson 3": 1,
    }
    moves = psql.rows("SELECT from_status, to_status FROM course_events ORDER BY id")
    assert [(move["from_status"], move["to_status"]) for move in moves] == [
        (None, "QUEUED"),
        ("QUEUED", "GENERATING"),
        ("GENERATING", "FAILED"),
        ("FAILED", "QUEUED"),
        ("QUEUED", "GENERATING"),
        ("GENERATING", "READY"),
    ]
    usage = psql.value("SELECT usage FROM courses")
    assert usage["calls"] == 5
    assert usage["output_tokens"] == psql.value("SELECT sum(output_tokens) FROM model_calls")
    assert usage["cached_tokens"] == psql.value("SELECT sum(cached_tokens) FROM model_calls") > 0


def test_taking_a_running_course_back_starts_it_afresh(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
) -> None:
    stand_in.fault("hold", lesson=1)
    worker = workers.start()
    upstream.request(user_id, num_lessons=1)
    stand_in.wait_until_held()
    psql.run("UPDATE courses SET status = 'QUEUED'")
    assert upstream.result().fields["status"] == "success"
    assert psql.row("SELECT status, attempts FROM courses") == {"status": "READY", "attempts": 1}
    assert len(worker.lines("course_claimed")) == 2


@pytest.mark.parametrize("running", [True, False])
def test_a_paused_course_waits_until_it_is_resumed(
    workers: Workers,
    upstream: Upstream,
    psql: Psql,
    stand_in: StandIn,
    user_id: str,
    documented: Callable[[str], str],
    running: bool,
) -> None:
    """Fault 50. Other courses go on meanwhile."""
    stand_in.fault("hold", lesson=2, topic="Cells", times=1)
    worker = workers.start(WORKER_SLOTS="1")
    upstream.request(user_id, topic="Cells", num_lessons=2)
    worker.wait_for("lesson_saved", lesson=1)
    stand_in.wait_until_held()
    upstream.request(user_id, topic="Stars", num_lessons=1)
    upstream.wait_until(lambda: psql.value("SELECT count(*) FROM courses") == 2, "both are accepted")
    paused, other = ("Cells", "Stars") if running else ("Stars", "Cells")
    course_id = psql.value(f"SELECT id FROM courses WHERE topic = '{paused}'")
    psql.run(documented("-- pause a course").replace("…", course_id))
    if running:
        worker.wait_for("lease_lost")
    stand_in.release()
    result = upstream.result().fields
    assert (result["status"], psql.value(f"SELECT topic FROM courses WHERE id = '{result['course_id']}'")) == (
        "success",
        other,
    )
    assert psql.value(f"SELECT status FROM courses WHERE id = '{course_id}'") == "QUEUED"
    psql.run(documented("-- resume it").replace("…", course_id))
    result = upstream.result().fields
    assert (result["status"], result["course_id"]) == ("success", course_id)
    assert stand_in.calls == {
        "Cells/outline": 1,
        "Cells/lesson 1": 1,
        "Cells/lesson 2": 2 if running else 1,  # it was open when the course was taken
        "Stars/outline": 1,
        "Stars/lesson 1": 1,
    }


def test_a_service_without_a_broker_queues_with_a_plain_insert(
    workers: Workers, upstream: Upstream, psql: Psql, user_id: str
) -> None:
    workers.start()
    psql.run(
        "INSERT INTO courses (user_id, topic, title, grade_level, total_lessons)"
        f" VALUES ('{user_id}', 'Cell Biology', 'Cells', 'Grade 5', 0)"
    )
    result = upstream.result().fields
    course = psql.row("SELECT id, status, total_lessons, grade_level FROM courses")
    assert (course["status"], course["total_lessons"], course["grade_level"]) == ("READY", 4, "Grade 5")
    assert (result["status"], result["request_id"], result["course_id"]) == ("success", None, course["id"])


@pytest.mark.parametrize(
    ("columns", "values", "wrong"),
    [
        ("total_lessons", "31", "num_lessons"),
        ("total_lessons", "-2", "num_lessons"),
        ("language", "'?'", "language"),
        ("source_filter", "E'a\\x07'", "source_filter"),
    ],
)
def test_a_plain_insert_with_values_out_of_range_fails_as_invalid(
    workers: Workers, upstream: Upstream, psql: Psql, user_id: str, columns: str, values: str, wrong: str
) -> None:
    workers.start()
    psql.run(
        f"INSERT INTO courses (user_id, topic, title, grade_level, {columns})"
        f" VALUES ('{user_id}', 'Cell Biology', 'Cells', 'Grade 5', {values})"
    )
    result = upstream.result().fields
    assert (result["status"], result["error_code"]) == ("error", "invalid_request")
    assert wrong in result["message"]
    assert psql.value("SELECT count(*) FROM model_calls") == 0


def test_an_illegal_move_is_refused_and_changes_nothing(
    workers: Workers, upstream: Upstream, psql: Psql, user_id: str
) -> None:
    workers.start()
    upstream.request(user_id, num_lessons=1)
    upstream.result()
    before = psql.row("SELECT * FROM courses")
    for status in ("QUEUED", "GENERATING", "FAILED"):
        with pytest.raises(SQLError, match=f"is READY and can't become {status}"):
            psql.run(f"UPDATE courses SET status = '{status}'")
    assert psql.row("SELECT * FROM courses") == before


def test_a_duplicate_of_a_cancelled_request_repeats_that_result(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
) -> None:
    stand_in.fault("hold", purpose="outline")
    workers.start()
    request_id = upstream.request(user_id)
    stand_in.wait_until_held()
    psql.run("UPDATE courses SET status = 'FAILED'")
    first = upstream.result()
    upstream.request(user_id, request_id=request_id)
    assert upstream.result().properties.message_id == first.properties.message_id


@pytest.mark.parametrize("way", ["schema.sql", "alembic"])
def test_new_courses_are_generated_beside_those_of_the_original_service(
    workers: Workers, upstream: Upstream, postgres: LocalPostgres, user_id: str, way: str
) -> None:
    name = f"original_{way.replace('.', '_')}"
    postgres.create_database(name, "template0")
    settings = postgres.settings(name)
    psql = Psql(postgres, settings)
    psql.file(str(ORIGINAL))
    before = rows(psql)
    if way == "alembic":
        upgrade(settings)
    else:
        psql.file(str(ROOT / "schema.sql"))

    worker = workers.start(DB_NAME=name)
    upstream.request(user_id, num_lessons=2)
    result = upstream.result().fields
    assert result["status"] == "success"
    assert worker.stop() == 0
    new = result["course_id"]
    assert len(psql.rows(f"SELECT * FROM v_lessons_full WHERE course_id = '{new}'")) == 2
    after = rows(psql)
    old_lessons = {row["id"] for row in before["lessons"]}
    assert [row for row in after["courses"] if row["id"] != new] == before["courses"]
    assert [row for row in after["lessons"] if row["course_id"] != new] == before["lessons"]
    assert [row for row in after["lesson_bodies"] if row["id"] in old_lessons] == before["lesson_bodies"]
    assert [row for row in after["v_course_summary"] if row["id"] != new] == before["v_course_summary"]
    assert psql.value("SELECT count(*) FROM generation_queue") == 0


@pytest.fixture
def document_queries() -> dict[str, list[str]]:
    """The SQL blocks of the documents, by document."""
    found = {}
    for file in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")):
        blocks = file.read_text().split("```sql\n")[1:]
        if blocks:
            found[file.name] = [block.partition("```")[0] for block in blocks]
    return found


@pytest.fixture
def documented(document_queries: dict[str, list[str]]) -> Callable[[str], str]:
    """The block of a document that begins with a given line."""

    def find(beginning: str) -> str:
        (block,) = (block for blocks in document_queries.values() for block in blocks if block.startswith(beginning))
        return block

    return find


def test_the_documented_queries_work(
    psql: Psql, queue_course: Callable[..., str], document_queries: dict[str, list[str]]
) -> None:
    assert {"DATABASE.md", "quality.md", "runbook.md", "sources.md"} <= document_queries.keys()
    for queries in document_queries.values():
        for query in queries:
            course_id = queue_course()
            is_retry = query.startswith("-- retry")
            if is_retry:
                psql.run(f"UPDATE courses SET status = 'FAILED' WHERE id = '{course_id}'")
            psql.run(query.replace("…", course_id))
            if is_retry:
                assert psql.value(f"SELECT status FROM courses WHERE id = '{course_id}'") == "QUEUED"


def test_they_work_as_well_where_the_original_service_was(
    postgres: LocalPostgres, document_queries: dict[str, list[str]]
) -> None:
    postgres.create_database("queried", "template0")
    psql = Psql(postgres, postgres.settings("queried"))
    psql.file(str(ORIGINAL))
    psql.file(str(ROOT / "schema.sql"))
    course_id = psql.value("SELECT id FROM courses WHERE status = 'FAILED' LIMIT 1")
    for query in [query for queries in document_queries.values() for query in queries]:
        psql.run(query.replace("…", course_id))


def test_the_documented_query_says_why_each_message_of_a_course_is_held_back(
    psql: Psql, queue_course: Callable[..., str], peer: Callable[..., Peer], documented: Callable[[str], str]
) -> None:
    course_id = queue_course(lessons=1)
    query = documented("-- why the messages of a course").replace("…", course_id).rstrip("\n;")

    def said() -> list[str]:
        return [row["why"] for row in psql.rows(query)]

    worker = peer()
    worker.claim_one()
    psql.run(
        "UPDATE courses SET status = 'READY', outline_json = '{\"lessons\": []}', output_path = 'courses/x'"
        f" WHERE id = '{course_id}'"
    )
    nobody, waits = "due: no worker runs", "waits for the earlier message"
    assert [why[: len(nobody)] for why in said()] == [nobody, waits[: len(nobody)]]

    (processing,) = claim_messages(worker.outbox)
    assert said()[0] == "a worker is publishing it"
    asyncio.run(worker.outbox.unpublished(processing.id, "no queue is bound to its routing key", 300))
    assert said()[0].startswith("not taken: no queue is bound to its routing key; tried again at ")

    psql.run("UPDATE outbox SET publish_after = now() WHERE failures > 0")
    claim_messages(worker.outbox)
    asyncio.run(worker.outbox.published([processing.id]))
    published, held = said()
    assert published.startswith("published at ")
    assert held.startswith("held for the files, at most until ")
    asyncio.run(worker.store.release_result(UUID(course_id), mirrored=True))
    assert said()[1].startswith(nobody)
