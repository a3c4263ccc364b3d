"""A slice comes as one folder and one line, and goes without a trace: tried with a copy of the project."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from src.operations.known_schema import ROOT
from tests.health import Health
from tests.sql import Psql
from tests.upstream import Upstream
from tests.waiting import eventually
from tests.worker_process import WorkerProcess

TRIAL = ROOT / "tests" / "data" / "trial_slice"
TABLE = "SLICES: dict[str, str] = {"
LEFT_OUT = shutil.ignore_patterns(".*", "courses", "tests", "benchmarks", "__pycache__")


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the project with the slice in it."""
    copy = tmp_path / "house"
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
    shutil.copytree(TRIAL, copy / "src" / "learning", ignore=LEFT_OUT)
    table = copy / "src" / "config" / "roles.py"
    text = table.read_text()
    assert text.count(TABLE) == 1
    table.write_text(text.replace(TABLE, TABLE + '"learning": "src.learning.part", '))
    return copy


def called(house: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`python app.py` in the copy, outside of its folder, where no .env is."""
    return subprocess.run(
        [sys.executable, str(house / "app.py"), *arguments],
        cwd=house.parent,
        env={"PATH": "", "PYTHONPATH": str(house), **settings},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def worker(house: Path, environment: dict[str, str], health: Health, tmp_path: Path) -> Iterator[WorkerProcess]:
    settings = {
        **environment,
        **health.settings,
        "ROLES": "learning, courses",
        "LEARNING_KEY": "very-secret-key",
        "LOG_LEVEL": "DEBUG",
    }
    process = WorkerProcess(settings, tmp_path, house=house)
    yield process
    process.end()


def test_its_role_runs_beside_the_courses(
    worker: WorkerProcess, upstream: Upstream, health: Health, psql: Psql, user_id: str
) -> None:
    worker.wait_for("progress_told", signed_with="[hidden]")
    worker.wait_for("event_unrouted")
    eventually(lambda: psql.value("SELECT published_at IS NOT NULL FROM outbox"), "the event counts as published")
    worker.wait_for("broker_connected", connection="learner")
    upstream.tell("learner.attempt", {"learner": "ada"})
    worker.wait_for("learners_heard", routes=["learner.attempt"])
    upstream.eventually_settled("learner.events")
    upstream.request(user_id, num_lessons=1)
    assert upstream.result().fields["status"] == "success"
    metrics = health.metrics()
    assert metrics['course_generator_ready{part="learning"}'] == 1
    assert metrics["course_generator_learning_told"] == 1
    assert metrics['course_generator_events_total{action="event_unrouted",level="debug"}'] == 1
    assert worker.stop() == 0


def test_it_runs_alone_and_takes_no_course(
    house: Path, environment: dict[str, str], tmp_path: Path, psql: Psql, queue_course: object
) -> None:
    settings = {**environment, "ROLES": "learning", "LEARNING_KEY": "very-secret-key", "LOG_LEVEL": "DEBUG"}
    process = WorkerProcess(settings, tmp_path, house=house)
    try:
        process.wait_for("worker_started")
        process.wait_for("event_unrouted")
        assert process.stop() == 0
    finally:
        process.end()
    assert not process.lines("course_claimed")
    assert psql.value("SELECT count(*) FROM workers") == 0


def test_its_settings_are_read_for_its_role_and_its_commands_alone(house: Path) -> None:
    assert called(house, "contract", "--help").returncode == 0
    assert "learning" in called(house, "--help").stdout
    refused = called(house, "learning", "every")
    assert (refused.returncode, refused.stderr) == (2, "settings: LEARNING_KEY: Field required\n")
    assert called(house, "learning", "every", LEARNING_KEY="k", LEARNING_EVERY="5").stdout == "every 5 s\n"
    refused = called(house, ROLES="learning,courses", OPENAI_ALLOW_REMOTE="off")
    assert (refused.returncode, refused.stderr) == (2, "settings: LEARNING_KEY: Field required\n")
    refused = called(house, ROLES="tutoring")
    assert refused.returncode == 2
    assert "ROLES: give one or more of courses, learning, with commas between them" in refused.stderr


def test_its_messages_are_in_the_contract(house: Path) -> None:
    assert called(house, "contract").returncode == 0
    schema = json.loads((house / "docs" / "contract" / "learning-progress.schema.json").read_text())
    assert sorted(schema["properties"]) == ["learner", "percent"]


def test_without_its_folder_all_else_goes_on(house: Path) -> None:
    assert called(house, "contract").returncode == 0
    shutil.rmtree(house / "src" / "learning")
    # What git leaves of a folder when a branch without it is checked out.
    (house / "src" / "learning" / "__pycache__").mkdir(parents=True)
    assert called(house, "contract", "--check").returncode == 0
    assert called(house, "--help").returncode == 0
    refused = called(house, "learning", "every")
    assert (refused.returncode, refused.stderr) == (
        1,
        "learning: src/learning is not in this installation; take learning out of ROLES\n",
    )
