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
    first = local("run", copy)
    try:
        assert first.stdout is not None
        for line in first.stdout:
            if "worker_started" in line:
                break
        second = local("demo", copy)
        output, _ = second.communicate()
        assert second.returncode == 1
        assert "are running already. End the other `make run`" in output
        assert first.poll() is None
        postmaster = int((copy / ".services" / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
        assert psutil.pid_exists(postmaster)
    finally:
        first.send_signal(signal.SIGINT)
        output, _ = first.communicate()
    assert first.returncode == 0, output
    eventually(lambda: not psutil.pid_exists(postmaster), "PostgreSQL has ended")
