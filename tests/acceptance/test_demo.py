"""`make demo` and `make run`, in a copy of the project that has no services yet."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from src.operations.migrations import ROOT
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("rabbitmq")  # skips where there is none


@pytest.fixture
def copy() -> Iterator[Path]:
    # Not in pytest's folder: another test run closes that to the user that PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="course-generator-demo-") as name:
        folder = Path(name)
        for file in ("app.py", "alembic.ini", "test_publisher.py", "schema.sql"):
            shutil.copy(ROOT / file, folder)
        for part in ("src", "migrations", "samples"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        yield folder
        # Nothing of it may live on.
        assert [process for process in psutil.process_iter() if lives_in(process, folder)] == []


def lives_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return str(folder) in " ".join(process.cmdline()) or process.cwd().startswith(str(folder))
    except psutil.Error:
        return False


def local(command: str, folder: Path) -> "subprocess.Popen[str]":
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "OPENAI_ALLOW_REMOTE": "off"}
    return subprocess.Popen(
        [sys.executable, "app.py", "local", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_demo_makes_a_whole_course_with_sources_and_leaves_nothing_running(copy: Path) -> None:
    demo = local("demo", copy)
    output, _ = demo.communicate()
    assert demo.returncode == 0, output
    assert re.search(r"In SQL: course [0-9a-f-]{36}, READY,", output), output
    lessons = re.findall(r"^ +(\d)\. .+ \((\d+) checks with answers; sources: (.+)\)$", output, re.MULTILINE)
    assert [number for number, _, _ in lessons] == ["1", "2", "3", "4"], output
    assert all(int(checks) >= 3 and sources.startswith("cell-biology/") for _, checks, sources in lessons)
    (folder,) = (copy / "courses").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["course.json", "course.md"]


def test_a_second_run_leaves_the_first_one_alone(copy: Path) -> None:
    first = started(copy)
    try:
        second = local("demo", copy)
        output, _ = second.communicate()
        assert second.returncode == 1
        assert "are running already: end the other `make run`" in output
        assert first.poll() is None
        postmaster = int((copy / ".services" / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
        assert psutil.pid_exists(postmaster)
    finally:
        first.send_signal(signal.SIGINT)
        output, _ = first.communicate()
    assert first.returncode == 0, output
    eventually(lambda: not psutil.pid_exists(postmaster), "PostgreSQL has ended")


def started(copy: Path) -> "subprocess.Popen[str]":
    """`make run`, as soon as its worker has started."""
    running = local("run", copy)
    assert running.stdout is not None
    for line in running.stdout:
        if "worker_started" in line:
            break
    return running


def call(copy: Path, *arguments: str) -> str:
    """What `app.py local …` prints in a second terminal."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(copy), "OPENAI_ALLOW_REMOTE": "off"}
    done = subprocess.run(
        [sys.executable, "app.py", "local", *arguments], cwd=copy, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_terminal_that_is_closed_ends_everything_in_order(copy: Path) -> None:
    running = started(copy)
    running.send_signal(signal.SIGHUP)
    output, _ = running.communicate()
    assert running.returncode == 0, output
    assert "have stopped; their data stays" in output


def test_what_a_killed_run_left_behind_is_ended_by_the_next_one(copy: Path) -> None:
    running = started(copy)
    running.kill()
    running.wait()  # its output stays open: the worker goes on writing to it
    assert [process for process in psutil.process_iter() if lives_in(process, copy)]
    demo = local("demo", copy)
    output, _ = demo.communicate()
    assert demo.returncode == 0, output


def test_an_outage_can_be_tried_from_a_second_terminal(copy: Path) -> None:
    running = started(copy)
    try:
        call(copy, "stop", "postgres")
        publish = [sys.executable, "test_publisher.py", "--num-lessons", "1", "--request-id", "r-1", "--wait"]
        for _ in range(2):  # the second time it is a repeat, which the database knows by then
            result = call(copy, "exec", "--", *publish)
            assert re.search(r"stored_in: files", result), result
            call(copy, "start", "postgres")
        call(copy, "stop", "rabbitmq")
        call(copy, "start", "rabbitmq")
        status = ("psql", "--", "-tAc", "SELECT status FROM courses")
        eventually(lambda: call(copy, *status).strip() == "READY", "it is imported")
    finally:
        running.send_signal(signal.SIGINT)
        output, _ = running.communicate()
    assert running.returncode == 0, output
