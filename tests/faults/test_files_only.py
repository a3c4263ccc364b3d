"""What a worker does with requests while its database is away. Real processes throughout.

Faults 21: at start, at intake; killed over it; and what is imported when the database is back.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid5

import pytest

from src.operations.local_postgres import LocalPostgres
from src.operations.migrations import ROOT
from tests.conftest import Workers, private_postgres
from tests.proxy import Proxy
from tests.sources import add_sources
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import DEAD, REQUESTS, STATUS, Received, Upstream
from tests.waiting import PATIENCE, eventually
from tests.worker_process import WorkerProcess


@pytest.fixture
def own_postgres() -> Iterator[LocalPostgres]:
    """A server that a test may end."""
    with private_postgres("learningdb") as server:
        yield server


@pytest.fixture
def own_psql(own_postgres: LocalPostgres) -> Psql:
    return Psql(own_postgres, own_postgres.settings("learningdb"))


@pytest.fixture
def settings(own_postgres: LocalPostgres) -> dict[str, str]:
    """A worker of the server that a test may end, which doesn't wait long for it."""
    return {**own_postgres.environment("learningdb"), "DB_PATIENCE": "1"}


def without_database(workers: Workers, settings: dict[str, str], postgres: LocalPostgres) -> WorkerProcess:
    """A worker that has started without its database."""
    postgres.stop("fast")
    worker = workers.launch(**settings)
    worker.wait_for("files_only")
    return worker


def folders(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "courses").iterdir() if not path.name.startswith(".")]


def unimported(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "courses" / ".files-only").glob("*/request.json"))


def reconcile(environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "reconcile"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
    )


def finals(messages: list[Received]) -> list[Received]:
    return [message for message in messages if message.fields["status"] != "processing"]


@pytest.mark.parametrize("away_at", ["start", "intake"])
def test_ten_requests_give_ten_results_and_ten_folders_and_later_ten_rows(
    workers: Workers,
    upstream: Upstream,
    own_postgres: LocalPostgres,
    own_psql: Psql,
    settings: dict[str, str],
    stand_in: StandIn,
    user_id: str,
    tmp_path: Path,
    away_at: str,
) -> None:
    """Fault 21."""
    if away_at == "start":
        worker = without_database(workers, settings, own_postgres)
    else:
        worker = workers.start(**settings)
        own_postgres.stop("fast")
    replies = upstream.reply_queue()
    ids = [upstream.request(user_id, topic=f"Cells {number}", num_lessons=2) for number in range(9)]
    upstream.publish(
        {"request_id": "r-10", "user_id": user_id, "topic": "Cells 10", "num_lessons": 2},
        reply_to=replies,
        correlation_id="mine",
    )
    results = upstream.results(10)
    for result in results:
        fields = result.fields
        assert (fields["status"], fields["stored_in"], fields["total_lessons"]) == ("success", "files", 2)
        assert UUID(fields["course_id"]) == uuid5(UUID(user_id), fields["request_id"])
        assert result.properties.correlation_id == fields["request_id"]
        assert result.properties.type == "course.success"
        assert sorted(path.name for path in Path(fields["output_path"]).iterdir()) == ["course.json", "course.md"]
    assert {result.fields["request_id"] for result in results} == {*ids, "r-10"}
    assert len({result.properties.message_id for result in results}) == 10
    assert len(folders(tmp_path)) == 10
    begun = worker.lines("files_only_begun")
    assert [line["level"] for line in begun] == ["warning"] * 10  # once each: no message goes round in circles
    reply = upstream.next(replies)
    assert (reply.fields["request_id"], reply.properties.correlation_id) == ("r-10", "mine")
    upstream.eventually_empty()

    calls = stand_in.stats()["calls"]
    assert calls == 30
    own_postgres.start()
    eventually(lambda: not unimported(tmp_path), "all are imported")
    rows = own_psql.rows("SELECT id, status, request_id, output_path FROM courses")
    assert len(rows) == 10
    for result in results:
        fields = result.fields
        (row,) = [row for row in rows if row["id"] == fields["course_id"]]
        assert row == {
            "id": fields["course_id"],
            "status": "READY",
            "request_id": fields["request_id"],
            "output_path": fields["output_path"],
        }
    assert own_psql.value("SELECT count(*) FROM lessons") == 20
    assert own_psql.value("SELECT count(*) FROM model_calls") == 30
    assert own_psql.value("SELECT count(*) FROM generation_queue") == 0

    # The worker goes on as ever, and knows what it wrote.
    worker.wait_for("worker_started")
    assert not worker.lines("loop_stalled")  # the wait was none of the event loop's
    first = results[0]
    upstream.request(
        user_id,
        request_id=first.fields["request_id"],
        topic=topic_of(own_psql, first.fields["course_id"]),
        num_lessons=2,
    )
    again = upstream.next()
    assert (again.body, again.properties.message_id) == (first.body, first.properties.message_id)
    upstream.request(user_id, topic="Cells 11", num_lessons=1)
    assert upstream.result().fields["stored_in"] == "database"
    assert worker.stop() == 0
    assert stand_in.stats()["calls"] == calls + 2
    assert upstream.waiting(STATUS) == []
    assert upstream.depth(REQUESTS) == 0


def topic_of(psql: Psql, course_id: str) -> str:
    return str(psql.value(f"SELECT topic FROM courses WHERE id = '{course_id}'"))


@pytest.mark.parametrize("heir_has_database", [False, True])
def test_killed_over_a_course_its_request_goes_on_from_the_lessons_on_disk(
    workers: Workers,
    upstream: Upstream,
    own_postgres: LocalPostgres,
    own_psql: Psql,
    settings: dict[str, str],
    stand_in: StandIn,
    user_id: str,
    tmp_path: Path,
    heir_has_database: bool,
) -> None:
    """Fault 21, and 1: no saved lesson is paid twice, also where the database is back by then."""
    stand_in.fault("hold", lesson=3, times=1)
    worker = without_database(workers, settings, own_postgres)
    upstream.request(user_id, num_lessons=3)
    stand_in.wait_until_held()
    folder = tmp_path / "courses" / ".files-only"
    eventually(lambda: len(list(folder.glob("*/lesson-*.json"))) == 2, "two lessons are on disk")
    worker.kill()
    stand_in.release()
    if heir_has_database:
        own_postgres.start()
    workers.launch(**settings)
    result = upstream.result()
    assert result.fields["status"] == "success"
    assert result.fields["stored_in"] == ("database" if heir_has_database else "files")
    assert stand_in.calls == {
        "Cell Biology/outline": 1,
        "Cell Biology/lesson 1": 1,
        "Cell Biology/lesson 2": 1,
        "Cell Biology/lesson 3": 2,
    }
    if not heir_has_database:
        own_postgres.start()
    eventually(lambda: not unimported(tmp_path), "it is imported")
    row = own_psql.row("SELECT status, total_lessons, attempts FROM courses")
    assert row["status"] == "READY" and row["total_lessons"] == 3
    assert own_psql.value("SELECT count(*) FROM lessons") == 3
    upstream.eventually_empty()


@pytest.mark.parametrize("crash_at", ["file_written:2", "file_written:5", "files_published"])
def test_killed_anywhere_between_message_and_ack_there_is_one_course_and_one_result(
    workers: Workers,
    upstream: Upstream,
    own_postgres: LocalPostgres,
    own_psql: Psql,
    settings: dict[str, str],
    stand_in: StandIn,
    user_id: str,
    tmp_path: Path,
    crash_at: str,
) -> None:
    """Fault 21: in mid file, and between publishing and the ack."""
    own_postgres.stop("fast")
    worker = workers.launch(**settings, CRASH_AT=crash_at)
    upstream.request(user_id, num_lessons=1)
    assert worker.wait() == -9
    heir = workers.launch(**settings)
    heir.wait_for("files_only")
    heir.wait_for("broker_connected", connection="consumer")
    upstream.eventually_empty()
    own_postgres.start()
    heir.wait_for("worker_started")
    eventually(lambda: own_psql.value("SELECT count(*) FROM courses WHERE status = 'READY'") == 1, "it is in SQL")
    eventually(lambda: not unimported(tmp_path), "nothing is owed")
    assert heir.stop() == 0
    messages = finals(upstream.waiting(STATUS))
    assert {message.fields["status"] for message in messages} == {"success"}
    assert len({message.properties.message_id for message in messages}) == 1
    assert own_psql.value("SELECT count(*) FROM lessons") == 1
    assert stand_in.stats()["calls"] <= 3  # what was answered and not on disk yet is paid twice
    assert not list((tmp_path / "courses" / ".files-only").iterdir())


def test_the_same_request_twice_and_refused_ones_are_answered_without_the_database(
    workers: Workers,
    upstream: Upstream,
    own_postgres: LocalPostgres,
    own_psql: Psql,
    settings: dict[str, str],
    stand_in: StandIn,
    user_id: str,
    tmp_path: Path,
) -> None:
    """Faults 21, 30, 31, 33."""
    stand_in.fault("hold", times=1)
    without_database(workers, settings, own_postgres)
    replies = upstream.reply_queue()
    request = {"request_id": "r-1", "user_id": user_id, "topic": "Cells", "num_lessons": 1}
    upstream.publish(request)
    stand_in.wait_until_held()
    upstream.publish(request, reply_to=replies, correlation_id="second")
    upstream.publish({**request, "topic": "Stars"})
    upstream.publish(b"not a request")
    assert upstream.next(DEAD).body == b"not a request"
    stand_in.release()
    messages = [upstream.next() for _ in range(4)]
    by_status = sorted((message.fields["status"], message.fields.get("error_code") or "") for message in messages)
    assert by_status == [
        ("error", "invalid_request"),
        ("error", "request_id_conflict"),
        ("processing", ""),
        ("success", ""),
    ]
    reply = upstream.next(replies)
    assert (reply.fields["status"], reply.properties.correlation_id) == ("success", "second")
    upstream.eventually_empty()
    assert stand_in.stats()["calls"] == 2
    assert upstream.waiting(STATUS) == []
    assert upstream.waiting(DEAD) == []


def test_a_failure_is_published_and_imported_and_a_retry_in_sql_goes_on(
    workers: Workers,
    upstream: Upstream,
    own_postgres: LocalPostgres,
    own_psql: Psql,
    settings: dict[str, str],
    stand_in: StandIn,
    user_id: str,
    tmp_path: Path,
) -> None:
    stand_in.fault("refusal", lesson=2)
    without_database(workers, settings, own_postgres)
    upstream.request(user_id, num_lessons=2)
    failed = upstream.result().fields
    assert (failed["status"], failed["error_code"]) == ("error", "model_refused")
    own_postgres.start()
    eventually(lambda: not unimported(tmp_path), "it is imported")
    row = own_psql.row("SELECT id, status, error_code, error_message, usage ->> 'calls' AS calls FROM courses")
    assert row == {
        "id": failed["course_id"],
        "status": "FAILED",
        "error_code": "model_refused",
        "error_message": failed["message"],
        "calls": "3",
    }
    own_psql.run("UPDATE courses SET status = 'QUEUED'")
    ready = upstream.result().fields
    assert (ready["status"], ready["stored_in"]) == ("success", "database")
    assert stand_in.calls["Cell Biology/lesson 1"] == 1


def test_a_model_that_is_away_too_keeps_the_message_until_either_is_back(
    workers: Workers,
    upstream: Upstream,
    own_postgres: LocalPostgres,
    own_psql: Psql,
    settings: dict[str, str],
    stand_in: StandIn,
    user_id: str,
    tmp_path: Path,
) -> None:
    stand_in.fault("503", times=None, lesson=2)
    brief_calls = {"OPENAI_TIMEOUT": "1", "OPENAI_DEADLINE": "1"}
    worker = without_database(workers, {**settings, **brief_calls}, own_postgres)
    upstream.request(user_id, num_lessons=2)
    worker.wait_for("files_only_postponed")
    assert worker.lines("files_only_ready") == []
    own_postgres.start()
    worker.wait_for("course_released")  # imported, claimed, and no better off
    stand_in.clear_faults()
    own_psql.run("UPDATE generation_queue SET run_after = now()")
    assert upstream.result().fields["stored_in"] == "database"
    assert stand_in.calls["Cell Biology/lesson 1"] == 1
    assert own_psql.row("SELECT status, total_lessons FROM courses") == {"status": "READY", "total_lessons": 2}
    assert worker.lines("course_claimed")[0]["attempt"] == 1  # the model's absence cost none
    worker.wait_for("request_repeated")
    assert worker.stop() == 0
    assert upstream.depth(REQUESTS) == 0


def test_a_request_for_certain_sources_waits_for_the_database_that_has_them(
    workers: Workers,
    upstream: Upstream,
    own_postgres: LocalPostgres,
    own_psql: Psql,
    settings: dict[str, str],
    stand_in: StandIn,
    user_id: str,
) -> None:
    """Fault 21: it may not fail for what can't be looked up, and one without a filter needn't wait."""
    add_sources(own_postgres.settings("learningdb"), ROOT / "samples")
    worker = without_database(workers, settings, own_postgres)
    filtered = upstream.request(user_id, num_lessons=1, source_filter="cell-biology/")
    upstream.request(user_id, num_lessons=1, topic="Cells")
    plain = upstream.result().fields
    assert (plain["status"], plain["stored_in"], plain["quality"]["lessons_with_sources"]) == ("success", "files", 0)
    worker.wait_for("files_only_begun", request_id=filtered)
    assert worker.lines("sources_away")
    assert stand_in.stats()["calls"] == 2
    own_postgres.start()
    result = upstream.result().fields
    assert (result["request_id"], result["status"], result["stored_in"]) == (filtered, "success", "database")
    assert result["quality"]["lessons_with_sources"] == 1
    assert own_psql.value(f"SELECT attempts FROM courses WHERE request_id = '{filtered}'") == 1
    upstream.eventually_empty()


def test_a_course_that_the_database_has_is_not_overwritten_and_reconcile_says_so(
    workers: Workers,
    upstream: Upstream,
    own_postgres: LocalPostgres,
    own_psql: Psql,
    settings: dict[str, str],
    environment: dict[str, str],
    user_id: str,
    tmp_path: Path,
) -> None:
    worker = without_database(workers, settings, own_postgres)
    upstream.request(user_id, num_lessons=1)
    result = upstream.result().fields
    upstream.eventually_empty()
    upstream.request(user_id, num_lessons=1, topic="Stars")
    upstream.result()
    upstream.eventually_empty()
    assert worker.stop() == 0
    own_postgres.start()
    own_psql.run(
        "INSERT INTO courses (id, user_id, topic, title, grade_level, status)"
        f" VALUES ('{result['course_id']}', '{user_id}', 'Cells', 'An import of yesterday', 'Grade 8', 'READY')"
    )
    done = reconcile({**environment, **settings}, tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"{result['course_id']}  in the database already, which keeps its own" in done.stdout
    assert done.stdout.count("  imported\n") == 1
    assert "Nothing to import" in reconcile({**environment, **settings}, tmp_path).stdout
    assert sorted(own_psql.rows("SELECT title, status FROM courses"), key=lambda row: str(row["title"])) == [
        {"title": "An import of yesterday", "status": "READY"},
        {"title": own_psql.value("SELECT title FROM courses WHERE topic = 'Stars'"), "status": "READY"},
    ]


def test_what_lies_on_disk_and_can_not_be_read_keeps_no_request_from_the_database(
    workers: Workers, upstream: Upstream, psql: Psql, user_id: str, tmp_path: Path
) -> None:
    """Fault 36: what is there is kept, for somebody to look at."""
    broken = tmp_path / "courses" / ".files-only" / str(uuid5(UUID(user_id), "r-1")) / "request.json"
    broken.parent.mkdir(parents=True)
    broken.write_text('{"request": ')
    worker = workers.start()
    upstream.request(user_id, request_id="r-1", num_lessons=1)
    result = upstream.result().fields
    assert (result["status"], result["stored_in"]) == ("success", "database")
    assert worker.wait_for("import_failed")["level"] == "error"
    assert broken.read_text() == '{"request": '
    assert upstream.waiting(DEAD) == []


def test_a_course_that_waits_to_be_recorded_takes_no_slot_from_those_without_the_database(
    workers: Workers, upstream: Upstream, postgres: LocalPostgres, psql: Psql, user_id: str
) -> None:
    """Its model calls are over; what is missing is the database alone."""
    with Proxy(postgres.port) as to_database:
        to_database.cut_at(b"SET status = 'READY'", answered=False)
        worker = workers.start(DB_PORT=str(to_database.port), DB_PATIENCE="1", WORKER_SLOTS="1")
        upstream.request(user_id, num_lessons=1, topic="Cells")
        assert to_database.sprung.wait(PATIENCE)
        upstream.request(user_id, num_lessons=1, topic="Stars")
        worker.wait_for("files_only_begun", patience=60)
        assert upstream.result().fields["stored_in"] == "files"
        to_database.heal()
        # The server keeps the transaction that was cut, with its lock, until it has been idle for too long.
        ready = "SELECT count(*) FROM courses WHERE status = 'READY'"
        upstream.wait_until(lambda: psql.value(ready) == 2, "both are in SQL", patience=60)
        assert upstream.result().fields["stored_in"] == "database"
        assert worker.stop() == 0


@pytest.mark.parametrize("prefetch", ["1", "50"])
def test_as_many_courses_are_written_at_once_as_there_are_slots(
    workers: Workers,
    upstream: Upstream,
    own_postgres: LocalPostgres,
    settings: dict[str, str],
    stand_in: StandIn,
    user_id: str,
    prefetch: str,
) -> None:
    stand_in.fault("hold", times=None)
    own_postgres.stop("fast")
    workers.launch(**settings, WORKER_SLOTS="2", RABBITMQ_PREFETCH=prefetch)
    for number in range(5):
        upstream.request(user_id, num_lessons=1, topic=f"Cells {number}")
    stand_in.wait_until_held(2)
    stand_in.release()
    assert [result.fields["stored_in"] for result in upstream.results(5)] == ["files"] * 5
    assert stand_in.stats()["most_open"] == 2


def test_off_means_that_requests_wait_for_the_database(
    workers: Workers,
    upstream: Upstream,
    own_postgres: LocalPostgres,
    settings: dict[str, str],
    stand_in: StandIn,
    user_id: str,
    tmp_path: Path,
) -> None:
    own_postgres.stop("fast")
    worker = workers.launch(**settings, FILES="off")
    upstream.request(user_id, num_lessons=1)
    worker.wait_for("database_lost")
    assert upstream.consumers() == 0
    own_postgres.start()
    assert upstream.result().fields["stored_in"] == "database"
    assert not worker.lines("files_only")
    assert not (tmp_path / "courses").exists()


def test_reconcile_without_a_database_is_one_clear_line_and_keeps_everything(
    workers: Workers,
    upstream: Upstream,
    own_postgres: LocalPostgres,
    settings: dict[str, str],
    environment: dict[str, str],
    user_id: str,
    tmp_path: Path,
) -> None:
    worker = without_database(workers, settings, own_postgres)
    upstream.request(user_id, num_lessons=1)
    upstream.result()
    upstream.eventually_empty()
    worker.stop()
    done = reconcile({**environment, **settings}, tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("database: connection to server") and "Traceback" not in done.stderr
    assert len(unimported(tmp_path)) == 1
