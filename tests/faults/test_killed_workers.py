"""Workers that are killed, suspended or stopped in the middle of a course. Real processes throughout."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Workers
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import REQUESTS, STATUS, Upstream
from tests.waiting import eventually
from tests.worker_process import WorkerProcess

TOPIC = "Cell Biology"


def saved(psql: Psql) -> list[dict[str, Any]]:
    return psql.rows("SELECT * FROM v_lessons_full ORDER BY lesson_number")


def checks(psql: Psql) -> list[dict[str, Any]]:
    return psql.rows("SELECT * FROM lesson_checks ORDER BY lesson_id, q_order")


def assert_one_whole_course(psql: Psql, lessons: int) -> None:
    assert psql.value("SELECT count(*) FROM courses") == 1
    assert psql.value("SELECT status FROM courses") == "READY"
    assert [row["lesson_number"] for row in saved(psql)] == list(range(1, lessons + 1))
    assert psql.value("SELECT count(*) FROM generation_queue") == 0
    assert psql.value("SELECT count(*) FROM outbox WHERE type = 'course.success' AND destination = 'status'") == 1


def assert_one_result(upstream: Upstream, worker: WorkerProcess) -> None:
    """One result and no other, also after `worker` has published all it has, and stopped."""
    assert upstream.result().fields["status"] == "success"
    assert worker.stop() == 0
    assert [message for message in upstream.waiting(STATUS) if message.fields["status"] != "processing"] == []


def take_over(upstream: Upstream, psql: Psql, heir: WorkerProcess, of: WorkerProcess) -> None:
    """Moves the time until `heir` has claimed the course of a worker that lives without being seen."""

    def taken_over() -> bool:
        # Again and again, because a slow beat of the heir's starts its count anew.
        psql.run("UPDATE workers SET unbroken_since = now() - interval '2000 s'")
        psql.run(f"UPDATE workers SET last_seen_at = now() - interval '2000 s' WHERE pid = {of.pid}")
        return bool(heir.lines("course_claimed"))

    upstream.wait_until(taken_over, "the heir takes over")


def traces(psql: Psql, folder: Path) -> dict[str, Any]:
    """The rows of courses and messages, and the files: what a worker could leave behind."""
    tables = ("courses", "lessons", "lesson_bodies", "lesson_checks", "model_calls", "outbox", "course_events")
    rows = {table: psql.rows(f"SELECT * FROM {table}") for table in tables}
    files = {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.rglob("courses/*/*")}
    return {**rows, **files}


def test_killed_mid_lesson_resumes_without_paying_again(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
) -> None:
    """Fault 1."""
    stand_in.fault("hold", lesson=2)
    first = workers.start()
    upstream.request(user_id, num_lessons=3)
    for number in (1, 3):
        first.wait_for("lesson_saved", lesson=number)
    stand_in.wait_until_held()
    before, before_checks = saved(psql), checks(psql)
    first.kill()

    second = workers.start_heir(psql, of=first)
    upstream.wait_until(lambda: second.lines("course_ready"), "the second worker finishes the course")
    assert_one_result(upstream, second)
    assert_one_whole_course(psql, 3)
    assert second.wait_for("course_claimed")["attempt"] == 2
    assert psql.value("SELECT attempts FROM courses") == 2
    assert [row for row in saved(psql) if row["lesson_number"] != 2] == before
    assert [row for row in checks(psql) if row in before_checks] == before_checks
    assert stand_in.calls == {
        f"{TOPIC}/outline": 1,
        f"{TOPIC}/lesson 1": 1,
        f"{TOPIC}/lesson 2": 2,
        f"{TOPIC}/lesson 3": 1,
    }


def test_killed_with_twenty_courses_in_flight_each_is_ready_once_and_only_open_calls_are_paid_again(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
) -> None:
    """Fault 1, with many: five courses without an outline yet, fifteen in mid lessons."""
    for number in range(5):
        stand_in.fault("hold", purpose="outline", topic=f"Cells {number}", times=None)
    for lesson in (3, 4):
        stand_in.fault("hold", lesson=lesson, times=None)
    first = workers.start()
    for number in range(20):
        upstream.request(user_id, topic=f"Cells {number}", num_lessons=4)
    stand_in.wait_until_held(35)
    upstream.wait_until(lambda: psql.value("SELECT count(*) FROM lessons") == 30, "the others are saved")
    open_calls = stand_in.stats()["open"]
    first.kill()
    stand_in.clear_faults()
    stand_in.release()

    second = workers.start_heir(psql, of=first)
    results = upstream.results(20)
    assert second.stop() == 0
    assert [message for message in upstream.waiting(STATUS) if message.fields["status"] != "processing"] == []
    assert {result.fields["status"] for result in results} == {"success"}
    assert len({result.properties.message_id for result in results}) == 20
    assert len({result.fields["course_id"] for result in results}) == 20
    assert psql.rows("SELECT status, count(*) FROM courses GROUP BY status") == [{"status": "READY", "count": 20}]
    numbers = "SELECT array_agg(lesson_number ORDER BY lesson_number) AS numbers FROM lessons GROUP BY course_id"
    assert psql.rows(numbers) == [{"numbers": [1, 2, 3, 4]}] * 20
    assert stand_in.stats()["calls"] - 20 * 5 == open_calls == 35
    assert max(stand_in.calls.values()) == 2


def test_killed_after_the_answer_and_before_it_is_saved_pays_that_lesson_twice_at_most(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
) -> None:
    """Fault 2."""
    first = workers.start(CRASH_AT="lesson_answered", OPENAI_MAX_CONCURRENT="1")
    upstream.request(user_id, num_lessons=2)
    assert first.wait() == -signal.SIGKILL
    assert saved(psql) == []
    assert_one_result(upstream, workers.start_heir(psql, of=first))
    assert_one_whole_course(psql, 2)
    assert max(stand_in.calls.values()) == 2


def test_killed_between_the_last_lesson_and_ready_needs_no_model_call(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
) -> None:
    """Fault 3."""
    first = workers.start(CRASH_AT="lessons_saved")
    upstream.request(user_id, num_lessons=2)
    assert first.wait() == -signal.SIGKILL
    assert psql.value("SELECT status FROM courses") == "GENERATING"
    before, calls = saved(psql), stand_in.calls
    assert len(before) == 2

    assert_one_result(upstream, workers.start_heir(psql, of=first))
    assert_one_whole_course(psql, 2)
    assert saved(psql) == before
    assert stand_in.calls == calls


def test_killed_between_ready_and_the_files_still_writes_files_and_sends_the_result(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
) -> None:
    first = workers.start(CRASH_AT="ready")
    upstream.request(user_id, num_lessons=1)
    assert first.wait() == -signal.SIGKILL
    assert psql.row("SELECT status, mirrored_at FROM courses") == {"status": "READY", "mirrored_at": None}
    psql.run("UPDATE courses SET generated_at = generated_at - interval '1 minute'")

    second = workers.start_heir(psql, of=first)
    result = upstream.result().fields
    assert result["status"] == "success"
    assert json.loads(Path(result["output_path"], "course.json").read_text())["metadata"]["topic"] == TOPIC
    assert psql.value("SELECT mirrored_at IS NOT NULL FROM courses") is True
    assert second.stop() == 0
    assert upstream.waiting(STATUS) == []


def test_killed_while_it_writes_the_files_leaves_none_half_written(
    workers: Workers, upstream: Upstream, psql: Psql, user_id: str, tmp_path: Path
) -> None:
    """Fault 37."""
    first = workers.start(CRASH_AT="file_written")
    upstream.request(user_id, num_lessons=1)
    assert first.wait() == -signal.SIGKILL
    (folder,) = (tmp_path / "courses").iterdir()
    (leftover,) = folder.iterdir()
    assert leftover.name.endswith(".part")  # nothing that a reader looks for
    os.utime(leftover, (0, 0))
    psql.run("UPDATE courses SET generated_at = generated_at - interval '1 minute'")

    second = workers.start_heir(psql, of=first)
    assert upstream.result().fields["status"] == "success"
    assert second.stop() == 0
    assert sorted(path.name for path in folder.iterdir()) == ["course.json", "course.md"]
    assert json.loads((folder / "course.json").read_text())["metadata"]["topic"] == TOPIC


def test_killed_between_receiving_and_accepting_loses_nothing(
    workers: Workers, upstream: Upstream, psql: Psql, user_id: str
) -> None:
    first = workers.start(CRASH_AT="received")
    upstream.request(user_id, num_lessons=1)
    assert first.wait() == -signal.SIGKILL
    assert psql.value("SELECT count(*) FROM courses") == 0
    assert_one_result(upstream, workers.start())
    assert_one_whole_course(psql, 1)


@pytest.mark.parametrize("request_id", ["r-1", None])
def test_killed_between_accepting_and_the_ack_recognises_the_redelivered_request(
    workers: Workers, upstream: Upstream, psql: Psql, user_id: str, request_id: str | None
) -> None:
    """Fault 4, with an id and without any."""
    first = workers.start(CRASH_AT="accepted")
    upstream.publish({"request_id": request_id, "user_id": user_id, "topic": TOPIC, "num_lessons": 1})
    assert first.wait() == -signal.SIGKILL
    assert psql.value("SELECT count(*) FROM courses") == 1

    second = workers.start_heir(psql, of=first)
    eventually(lambda: second.lines("request_repeated") or second.lines("result_repeated"), "it comes again")
    assert upstream.result().fields["status"] == "success"
    assert_one_whole_course(psql, 1)
    assert second.stop() == 0
    assert upstream.depth(REQUESTS) == 0


def test_killed_between_publishing_and_marking_sends_the_same_message_id_again(
    workers: Workers, upstream: Upstream, psql: Psql
) -> None:
    """Fault 42."""
    psql.run(
        "INSERT INTO courses (user_id, topic, title, grade_level) VALUES (gen_random_uuid(), 't', 't', 'g');"
        "UPDATE courses SET status = 'FAILED'"
    )
    first = workers.launch(CRASH_AT="published")
    assert first.wait() == -signal.SIGKILL
    sent = upstream.next().properties.message_id
    assert psql.value("SELECT count(*) FROM outbox WHERE published_at IS NOT NULL") == 0
    workers.start_heir(psql, of=first)
    assert upstream.next().properties.message_id == sent


class TestStopSignal:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_with_enough_grace_lessons_under_way_are_saved_and_the_course_is_handed_back(
        self, workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str, number: signal.Signals
    ) -> None:
        """Fault 5."""
        stand_in.fault("hold", purpose="lesson")
        worker = workers.start(WORKER_SLOTS="1", OPENAI_MAX_CONCURRENT="1")
        upstream.request(user_id, num_lessons=3)
        stand_in.wait_until_held()
        upstream.request(user_id, num_lessons=1)
        upstream.wait_until(lambda: psql.value("SELECT count(*) FROM courses") == 2, "the second one is accepted")
        worker.signal(number)
        worker.wait_for("worker_stopping")
        stand_in.release()
        assert worker.wait() == 0

        assert len(saved(psql)) == 1
        assert psql.rows("SELECT attempt, lease_id FROM generation_queue") == [{"attempt": 0, "lease_id": None}] * 2
        assert psql.rows("SELECT status, attempts FROM courses") == [{"status": "QUEUED", "attempts": 0}] * 2
        assert stand_in.stats()["calls"] == 2
        assert len(worker.lines("course_claimed")) == 1
        assert psql.value("SELECT count(*) FROM workers") == 0

    def test_a_course_whose_last_lesson_finishes_in_the_grace_time_becomes_ready(
        self, workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
    ) -> None:
        stand_in.fault("hold", purpose="lesson", times=None)
        worker = workers.start()
        upstream.request(user_id, num_lessons=2)
        stand_in.wait_until_held(2)
        worker.signal(signal.SIGTERM)
        worker.wait_for("worker_stopping")
        stand_in.release()
        assert worker.wait() == 0
        assert_one_whole_course(psql, 2)
        assert [message.fields["status"] for message in upstream.waiting(STATUS)] == ["processing", "success"]

    def test_when_the_grace_is_too_short_nothing_is_half_done(
        self, workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
    ) -> None:
        """Fault 6."""
        stand_in.fault("hold", lesson=2)
        worker = workers.start(WORKER_GRACE="0.1")
        upstream.request(user_id, num_lessons=2)
        worker.wait_for("lesson_saved", lesson=1)
        stand_in.wait_until_held()
        assert worker.stop() == 0
        assert [row["lesson_number"] for row in saved(psql)] == [1]
        assert psql.row("SELECT status, attempts FROM courses") == {"status": "QUEUED", "attempts": 0}
        assert_one_result(upstream, workers.start())
        assert_one_whole_course(psql, 2)

    def test_a_worker_that_waits_for_the_model_to_come_back_does_not_wait_for_the_grace_to_end(
        self, workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
    ) -> None:
        stand_in.fault("429", retry_after="59", times=None)
        worker = workers.start(WORKER_GRACE="3000")
        upstream.request(user_id)
        worker.wait_for("model_retry")
        assert worker.stop() == 0
        assert psql.row("SELECT attempt, postponements, lease_id FROM generation_queue") == {
            "attempt": 0,
            "postponements": 0,
            "lease_id": None,
        }
        assert stand_in.stats()["calls"] == 1

    def test_a_second_signal_ends_at_once_and_the_course_is_resumed(
        self, workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
    ) -> None:
        stand_in.fault("hold", lesson=1)
        worker = workers.start(WORKER_GRACE="300")
        upstream.request(user_id, num_lessons=1)
        stand_in.wait_until_held()
        worker.signal(signal.SIGTERM)
        worker.wait_for("worker_stopping")
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 128 + signal.SIGTERM
        assert psql.value("SELECT status FROM courses") == "GENERATING"
        assert_one_result(upstream, workers.start_heir(psql, of=worker))
        assert_one_whole_course(psql, 1)

    def test_before_the_database_is_there_it_ends_as_well(self, workers: Workers) -> None:
        worker = workers.launch(DB_PORT="1")
        worker.wait_for("database_unavailable")
        assert worker.stop() == 0


# Its heart tells a worker that wakes that its lease is gone. With a heart that beats once in five minutes it finds out
# by its next write alone: that is the fence.
SLOW_HEART = {"WORKER_LEASE": "1000", "WORKER_HEARTBEAT": "300"}


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="told by its heart", marks=pytest.mark.long),
        pytest.param(SLOW_HEART, id="told by the fence"),
    ],
)
def test_a_suspended_worker_that_wakes_after_its_lease_writes_nothing(
    workers: Workers,
    upstream: Upstream,
    psql: Psql,
    stand_in: StandIn,
    user_id: str,
    tmp_path: Path,
    settings: dict[str, str],
) -> None:
    """Fault 7."""
    stand_in.fault("hold", lesson=1)
    zombie = workers.start(**settings)
    upstream.request(user_id, num_lessons=1)
    stand_in.wait_until_held()
    # Not in the middle of publishing: what it took out of the outbox would be late by the whole of the long lease.
    upstream.wait_until(lambda: psql.value("SELECT count(*) FROM outbox WHERE published_at IS NULL") == 0, "processing")
    zombie.signal(signal.SIGSTOP)

    heir = workers.start()

    take_over(upstream, psql, heir, zombie)
    assert upstream.result().fields["status"] == "success"
    assert_one_whole_course(psql, 1)
    assert heir.wait_for("course_claimed")["attempt"] == 2
    upstream.wait_until(
        lambda: psql.value("SELECT count(*) FROM outbox WHERE published_at IS NULL") == 0, "all is published"
    )
    before = traces(psql, tmp_path)
    assert len(list(tmp_path.rglob("courses/*/*"))) == 2

    if settings:  # the answer is there when it wakes, so it tries to write
        stand_in.release()
    zombie.signal(signal.SIGCONT)
    told = zombie.wait_for("lease_lost")["event"]
    assert told == (
        "the lease is lost; nothing was written" if settings else "the lease is lost; the course is left alone"
    )
    stand_in.release()
    assert zombie.stop() == 0
    assert traces(psql, tmp_path) == before
    assert upstream.waiting(STATUS) == []
