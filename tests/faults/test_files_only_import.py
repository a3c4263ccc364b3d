"""What becomes of courses that were written without the database: killed over them, and imported when it is back.

Real processes throughout. Fault 21.
"""

import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid5

import pytest

from src.devtools.local_postgres import LocalPostgres
from src.devtools.local_reaper import mark
from src.operations.known_schema import ROOT
from tests.conftest import Workers
from tests.files_only import unimported, without_database
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import DEAD, STATUS, Received, Upstream
from tests.waiting import eventually


def reconcile(environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "reconcile"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **mark(), **environment},
        capture_output=True,
        text=True,
    )


def finals(messages: list[Received]) -> list[Received]:
    return [message for message in messages if message.fields["status"] != "processing"]


@pytest.mark.parametrize("heir_has_database", [pytest.param(False, marks=pytest.mark.long), True])
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


@pytest.mark.parametrize(
    "crash_at",
    [
        pytest.param("file_written:2", marks=pytest.mark.long),
        pytest.param("file_written:5", marks=pytest.mark.long),
        "files_published",
    ],
)
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
