"""A run of these tests that is interrupted leaves no process and no folder behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from src.operations.migrations import ROOT
from tests.processes import living
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("rabbitmq")  # skips where there is none

# Starts all kinds of things that tests start, says so, and doesn't end.
RUN = """
import json, os, threading
from pathlib import Path

def test_never_ends(workers, own_postgres, reaper):
    workers.start()
    ready = Path({ready!r})
    ready.with_suffix(".part").write_text(json.dumps([os.getpid(), str(reaper.folder)]))
    ready.with_suffix(".part").rename(ready)
    threading.Event().wait()
"""

End = Callable[[int, int], None]
"""Interrupts a run, by the pid of what was called and that of the process that runs the test."""


def by_terminal(run: int, _test: int) -> None:
    os.killpg(run, signal.SIGINT)  # Ctrl-C reaches every process of the group


def to_the_run(number: signal.Signals) -> End:
    return lambda run, _test: os.kill(run, number)


def to_the_worker(run: int, test: int) -> None:
    os.kill(test, signal.SIGKILL)
    os.kill(run, signal.SIGINT)  # xdist goes on with a new one


@pytest.mark.parametrize(
    ("distributed", "end"),
    [
        (False, by_terminal),
        (False, to_the_run(signal.SIGTERM)),
        (False, to_the_run(signal.SIGKILL)),
        (True, by_terminal),
        (True, to_the_run(signal.SIGKILL)),
        (True, to_the_worker),
    ],
    ids=["Ctrl-C", "TERM", "KILL", "Ctrl-C of xdist", "KILL of xdist", "KILL of its worker"],
)
def test_a_run_that_is_interrupted_leaves_no_process_and_no_folder(tmp_path: Path, distributed: bool, end: End) -> None:
    ready = tmp_path / "ready"
    (tmp_path / "test_it.py").write_text(RUN.format(ready=str(ready)))
    plugins = ["-p", "no:cacheprovider", "-p", "tests.conftest", "-p", "tests.faults.conftest"]
    options = [f"--basetemp={tmp_path / 'base'}", f"--rootdir={tmp_path}", *(["-n", "1"] if distributed else [])]
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", *plugins, *options, str(tmp_path / "test_it.py")],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=(tmp_path / "output").open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    eventually(lambda: ready.exists() or run.poll() is not None, "everything has started")
    test, folder = json.loads(ready.read_text()) if ready.exists() else pytest.fail((tmp_path / "output").read_text())
    names = {process.name() for process in living(tmp_path, Path(folder)) if process.is_running()}
    assert {"postgres", "beam.smp", "epmd"} <= names
    assert len([process for process in psutil.Process(test).children() if "app.py" in " ".join(process.cmdline())]) == 1
    end(run.pid, test)
    run.wait()
    eventually(lambda: living(tmp_path, Path(folder)) == [], "all that it has started has ended")
    eventually(lambda: not Path(folder).exists(), "its folder is gone")
