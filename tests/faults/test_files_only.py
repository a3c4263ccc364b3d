"""What a worker does with requests while its database is away. Real processes throughout.

Fault 21: at start, and at intake.
"""

from pathlib import Path
from uuid import UUID, uuid5

import pytest

from src.devtools.local_postgres import LocalPostgres
from src.operations.known_schema import ROOT
from tests.conftest import Workers
from tests.files_only import unimported, without_database
from tests.proxy import Proxy
from tests.sources import add_sources
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import DEAD, REQUESTS, STATUS, Upstream
from tests.waiting import PATIENCE, eventually


def folders(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "courses").iterdir() if not path.name.startswith(".")]


@pytest.mark.parametrize("away_at", [pytest.param("start", marks=pytest.mark.long), "intake"])
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
    brief_calls = {"OPENAI_TIMEOUT": "4", "OPENAI_DEADLINE": "4"}
    worker = without_database(workers, {**settings, **brief_calls}, own_postgres)
    upstream.request(user_id, num_lessons=2)
    worker.wait_for("course_released")
    assert worker.lines("course_ready") == []
    own_postgres.start()
    worker.wait_for("course_claimed")

    def actions_since_the_claim() -> list[object]:
        actions = [line.get("action") for line in worker.log]
        return actions[actions.index("course_claimed") :]

    eventually(lambda: "course_released" in actions_since_the_claim(), "it is imported, claimed, and no better off")
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
        worker.wait_for("files_only_begun")
        assert upstream.result().fields["stored_in"] == "files"
        to_database.heal()
        # The server keeps the transaction that was cut, with its lock, until it has been idle for too long.
        ready = "SELECT count(*) FROM courses WHERE status = 'READY'"
        upstream.wait_until(lambda: psql.value(ready) == 2, "both are in SQL")
        assert upstream.result().fields["stored_in"] == "database"
        assert worker.stop() == 0


@pytest.mark.parametrize("prefetch", ["1", pytest.param("50", marks=pytest.mark.long)])
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
