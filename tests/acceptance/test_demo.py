"""`make demo` and `make run`, in a copy of the project that has no services yet."""

import json
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from src.devtools.local_postgres import LocalPostgres
from src.devtools.local_reaper import Reaper
from tests.local_house import call, copied, local, read_until, started
from tests.processes import living
from tests.stand_in import StandIn
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.usefixtures("rabbitmq")  # skips where there is none


@pytest.fixture
def copy() -> Iterator[Path]:
    with copied() as folder:
        yield folder


@pytest.fixture(scope="module")
def demonstrated(rabbitmq: object) -> Iterator[tuple[Path, str]]:
    """A copy in which `make demo` was run, where the environment names a proxy, and what that printed."""
    nobody = "http://127.0.0.1:9"
    with copied() as folder:
        yield folder, call(folder, "demo", HTTP_PROXY=nobody, http_proxy=nobody, ALL_PROXY=nobody)


def test_the_demo_makes_a_whole_course_with_sources_and_leaves_nothing_running(demonstrated: tuple[Path, str]) -> None:
    copy, output = demonstrated
    assert living(copy) == []
    assert re.search(r"In SQL: course [0-9a-f-]{36}, READY,", output), output
    lessons = re.findall(r"^ +(\d)\. .+ \((\d+) checks with answers; sources: (.+)\)$", output, re.MULTILINE)
    assert [number for number, _, _ in lessons] == ["1", "2", "3", "4"], output
    assert all(int(checks) >= 3 and sources.startswith("cell-biology/") for _, checks, sources in lessons)
    (folder,) = (copy / "courses").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["course.json", "course.md"]


def test_a_model_of_ones_own_is_tried_before_anything_is_started(copy: Path, stand_in: StandIn) -> None:
    stand_in.fault("401", times=None)
    output = call(copy, "demo", code=1, OPENAI_BASE_URL=stand_in.base_url, OPENAI_API_KEY="sk-wrong")
    assert "check OPENAI_API_KEY" in output
    assert not (copy / ".services").exists()


@pytest.mark.long
def test_a_second_run_leaves_the_first_one_alone(copy: Path) -> None:
    first = started(copy)
    try:
        assert "are running already: end the other `make run`" in call(copy, "demo", code=1)
        assert first.poll() is None
        postmaster = int((copy / ".services" / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
        assert psutil.pid_exists(postmaster)
    finally:
        first.send_signal(signal.SIGINT)
        output, _ = first.communicate(timeout=PATIENCE)
    assert first.returncode == 0, output
    eventually(lambda: not psutil.pid_exists(postmaster), "PostgreSQL has ended")


@pytest.mark.long
def test_a_terminal_that_is_closed_ends_everything_in_order_though_it_says_so_twice(
    copy: Path, stand_in: StandIn
) -> None:
    stand_in.fault("hold", lesson=1)
    running = started(copy, OPENAI_BASE_URL=stand_in.base_url)
    call(copy, "exec", "--", sys.executable, "test_publisher.py", "--num-lessons", "1")
    stand_in.wait_until_held()
    running.send_signal(signal.SIGHUP)
    read_until(running, "worker_stopping")
    running.send_signal(signal.SIGHUP)
    stand_in.release()
    output, _ = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0, output
    assert "have stopped; their data stays" in output


@pytest.mark.long
def test_a_killed_run_leaves_nothing_running_and_the_next_one_starts(copy: Path) -> None:
    running = started(copy)
    running.kill()
    running.communicate(timeout=PATIENCE)  # the worker writes to it too, and is ended
    eventually(lambda: living(copy) == [], "all that it has started is ended")
    call(copy, "demo")


@pytest.mark.parametrize("arguments", [("psql",), ("app", "--", "quality"), ("stop", "postgres")])
def test_before_the_first_run_there_is_nothing_to_talk_to(copy: Path, arguments: tuple[str, ...]) -> None:
    assert "not running" in call(copy, *arguments, code=1)


def test_psql_keeps_others_from_starting_the_server_that_it_has_started(demonstrated: tuple[Path, str]) -> None:
    copy, _ = demonstrated
    session = local(copy, "psql", "--", "-tA")
    assert session.stdin is not None
    session.stdin.write("SELECT status FROM courses;\n")
    session.stdin.flush()
    read_until(session, "READY")
    assert "are running already" in call(copy, "demo", code=1)
    session.communicate("\\q\n", timeout=PATIENCE)
    assert session.returncode == 0


def test_commands_reach_the_local_database_also_when_nothing_runs(demonstrated: tuple[Path, str]) -> None:
    copy, _ = demonstrated
    output = call(copy, "app", "--", "quality", "--limit", "1")
    (course,) = (copy / "courses").iterdir()
    course_id = json.loads((course / "course.json").read_text())["metadata"]["course_id"]
    assert course_id in output, output
    assert "Citation precision 100%" in call(copy, "app", "--", "quality", course_id)
    assert "cell-biology/cell-division.md" in call(copy, "app", "--", "sources", "list")
    assert "Nothing is under" in call(copy, "app", "--", "sources", "list", "nothing/", code=1)


@pytest.mark.long
def test_an_outage_can_be_tried_from_a_second_terminal(copy: Path) -> None:
    publish = "exec", "--", sys.executable, "test_publisher.py", "--num-lessons", "1", "--request-id", "r-1", "--wait"
    status = "psql", "--", "-tAc", "SELECT status FROM courses"
    running = started(copy)
    try:
        assert "no-such-program: No such file" in call(copy, "exec", "--", "no-such-program", code=127)
        call(copy, "stop", "postgres")
        assert re.search(r"stored_in: files", call(copy, *publish))
        assert "not running" in call(copy, "psql", code=1)
        call(copy, "start", "postgres")
        eventually(lambda: call(copy, *status).strip() == "READY", "it is imported")
        call(copy, "stop", "rabbitmq")
        call(copy, *publish, code=1)
        call(copy, "start", "rabbitmq")
        assert re.search(r"stored_in: files", call(copy, *publish))  # the same request, which the database knows by now
    finally:
        running.send_signal(signal.SIGINT)
        output, _ = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0, output


def test_the_number_in_a_file_that_a_crash_left_may_be_another_servers(postgres: LocalPostgres, reaper: Reaper) -> None:
    crashed = LocalPostgres(reaper.folder / "crashed")
    crashed.data.mkdir(parents=True)
    shutil.copy(postgres.data / "postmaster.pid", crashed.data)
    assert postgres.runs
    assert not crashed.runs
