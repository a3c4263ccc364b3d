"""The programs in examples/: what other people copy runs as it stands, against real services."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from src.operations.known_schema import ROOT
from tests.acceptance.test_scripts import script
from tests.conftest import Workers
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import DEAD, STATUS, Upstream

EXAMPLES = ROOT / "examples"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """Runs an example by its name, with arguments."""

    def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return script(environment, tmp_path, str(EXAMPLES / f"{name}.py"), *arguments)

    return run


def test_each_of_them_is_run_here() -> None:
    here = Path(__file__).read_text()
    assert [path.name for path in EXAMPLES.glob("*.py") if f'run("{path.stem}"' not in here] == []


def test_request_course_prints_what_becomes_of_its_request_and_leaves_no_message(
    run: Run, workers: Workers, upstream: Upstream, psql: Psql
) -> None:
    workers.start()
    done = run("request_course", "Stars")
    assert done.returncode == 0, done.stderr
    asked, started, ended = done.stdout.splitlines()
    result = json.loads(ended)
    assert [json.loads(started)["status"], result["status"]] == ["processing", "success"]
    assert asked == f"asked for {result['request_id']}"
    assert psql.row("SELECT id, topic, total_lessons FROM courses") == {
        "id": result["course_id"],
        "topic": "Stars",
        "total_lessons": 2,
    }
    assert upstream.waiting(STATUS) == []


def test_request_course_tells_a_failed_course_by_its_exit_code(run: Run, workers: Workers, stand_in: StandIn) -> None:
    stand_in.fault("refusal", times=None)
    workers.start()
    done = run("request_course")
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["error_code"] == "model_refused"


def test_request_course_loses_no_request_that_no_queue_takes(run: Run, upstream: Upstream) -> None:
    upstream.unbind_requests()
    done = run("request_course")
    assert (done.returncode, done.stdout) == (1, "")
    assert "UnroutableError" in done.stderr


def test_follow_course_shows_every_step_and_takes_nothing_from_the_status_queue(
    run: Run, workers: Workers, upstream: Upstream
) -> None:
    workers.start()
    done = run("follow_course")
    assert done.returncode == 0, done.stderr
    *steps, last = done.stdout.splitlines()
    assert [step[:6] for step in steps] == ["0 of 2", "1 of 2", "2 of 2"]
    result = upstream.result().fields
    assert last == f"success {result['message']} {result['output_path']}"


def test_read_course_prints_every_lesson_and_marks_the_right_choices(
    run: Run, workers: Workers, upstream: Upstream, psql: Psql, user_id: str
) -> None:
    assert run("read_course").returncode == 1  # there is none yet
    workers.start()
    upstream.request(user_id, num_lessons=2)
    course_id = upstream.result().fields["course_id"]
    done = run("read_course")
    assert done.returncode == 0, done.stderr
    assert run("read_course", course_id).stdout == done.stdout
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{course_id} | ")
    assert sum(line.startswith("lesson ") for line in lines) == 2
    right = psql.rows(
        "SELECT k.answer FROM lesson_checks k JOIN lessons l ON l.id = k.lesson_id"
        " WHERE k.choices IS NOT NULL ORDER BY l.lesson_number, k.q_order"
    )
    assert right
    assert [line[10:] for line in lines if line.startswith("        * ")] == [row["answer"] for row in right]


def test_save_course_saves_one_that_no_worker_touches(run: Run, psql: Psql) -> None:
    done = run("save_course")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("READY knots\n# Lesson 1: The bowline\n")
    assert psql.value("SELECT count(*) FROM generation_queue") == 0


def test_read_rejected_prints_each_with_its_reason_and_leaves_it_there(
    run: Run, workers: Workers, upstream: Upstream
) -> None:
    workers.start()
    upstream.publish({"request_id": "wrong", "topic": "Cells"})
    upstream.result()
    upstream.wait_until(lambda: upstream.depth(DEAD) == 1, "the body is on the dead queue")
    for _ in range(2):
        done = run("read_rejected")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("invalid_request user_id: Field required wrong b'{")
        assert len(done.stdout.splitlines()) == 1
        upstream.wait_until(lambda: upstream.depth(DEAD) == 1, "it is back in the queue")
