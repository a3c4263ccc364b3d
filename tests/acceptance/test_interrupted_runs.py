"""A run of these tests leaves no process and no folder behind, even if it is interrupted."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from src.devtools import local_postgres
from src.devtools.local_postgres import LocalPostgres
from src.devtools.local_reaper import ELSEWHERE, OWNER, Reaper
from src.operations.known_schema import ROOT
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
    ready.with_suffix(".part").write_text(json.dumps([os.getpid(), str(reaper.folder), str(own_postgres.data)]))
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
        pytest.param(False, by_terminal, id="Ctrl-C", marks=pytest.mark.long),
        pytest.param(False, to_the_run(signal.SIGTERM), id="TERM", marks=pytest.mark.long),
        pytest.param(False, to_the_run(signal.SIGKILL), id="KILL", marks=pytest.mark.long),
        pytest.param(True, by_terminal, id="Ctrl-C of xdist", marks=pytest.mark.long),
        pytest.param(True, to_the_run(signal.SIGKILL), id="KILL of xdist"),
        pytest.param(True, to_the_worker, id="KILL of its worker", marks=pytest.mark.long),
    ],
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
    told = json.loads(ready.read_text()) if ready.exists() else pytest.fail((tmp_path / "output").read_text())
    test, folder, data = told
    names = {process.name() for process in living(tmp_path, Path(folder)) if process.is_running()}
    assert {"postgres", "beam.smp", "epmd"} <= names
    assert len([process for process in psutil.Process(test).children() if "app.py" in " ".join(process.cmdline())]) == 1
    end(run.pid, test)
    run.wait()
    eventually(lambda: living(tmp_path, Path(folder)) == [], "all that it has started has ended")
    eventually(lambda: not Path(folder).exists() and not Path(data).exists(), "its folder is gone, and its data are")


# Starts a server and stops it, then starts another, says where their data are, and doesn't end.
SERVERS = """
import threading
from src.devtools.local_reaper import Reaper
from tests.conftest import private_postgres

with Reaper():
    with private_postgres("stopped") as server:
        print(server.data, flush=True)
    with private_postgres("interrupted") as server:
        print(server.data, flush=True)
        threading.Event().wait()
"""


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="only root's PostgreSQL runs as another user, who must reach its data")
def test_servers_below_a_closed_folder_leave_nothing_but_the_programs_that_all_share(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    run = subprocess.Popen(
        [sys.executable, "-c", SERVERS],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    stopped, interrupted = (Path(run.stdout.readline().strip()) for _ in range(2))
    assert stopped.parents[1] == interrupted.parents[1] == ELSEWHERE
    assert not stopped.parent.exists()
    assert [path.name for path in interrupted.parent.iterdir() if path.name != "data"] == [OWNER]
    program = Path(psutil.Process(int((interrupted / "postmaster.pid").read_text().split()[0])).exe())
    programs = ELSEWHERE / program.relative_to(ELSEWHERE).parts[0]
    found = [path.lstat() for path in (programs, *programs.rglob("*"))]
    assert {each.st_uid for each in found} == {0}
    assert not [each for each in found if each.st_mode & 0o022]
    run.kill()
    run.wait()
    eventually(lambda: not interrupted.parent.exists(), "its data are gone")
    eventually(lambda: list(tmp_path.iterdir()) == [], "its folder is gone")
    assert program.exists()


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="only root's PostgreSQL runs as another user, who must reach its data")
@pytest.mark.usefixtures("postgres")  # the system user is there
def test_servers_that_start_at_once_share_one_copy_of_the_programs(
    reaper: Reaper, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere, closed = reaper.folder / "elsewhere", reaper.folder / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(local_postgres, "ELSEWHERE", elsewhere)
    # As in two checkouts, neither waits for the other.
    monkeypatch.setattr("fcntl.flock", lambda *_: None)
    servers = [LocalPostgres(closed / name, durable=False) for name in ("one", "other")]
    with ThreadPoolExecutor() as pool:
        list(pool.map(LocalPostgres.start, servers))
    for server in servers:
        server.stop("immediate")
        assert sorted(path.name for path in server.data.parent.iterdir()) == ["data", OWNER]
    assert len(list(elsewhere.glob("programs-*"))) == 1
    assert len(list(elsewhere.iterdir())) == 3
