"""Copies of the project, in which its local services are started as from a terminal."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from src.devtools.local_reaper import mark, temporary_folder
from src.operations.known_schema import ROOT
from tests.processes import living
from tests.waiting import PATIENCE


@contextmanager
def copied(below: str = "") -> Iterator[Path]:
    """Yields a copy without services. `below`: the name of a closed folder to put it in; else others can reach it."""
    # Not in pytest's folder: another test run closes that to the user that PostgreSQL runs as.
    with temporary_folder("course-generator-demo-") as folder:
        if below:
            (folder / below).mkdir(mode=0o700)
            folder = folder / below / "house"
            folder.mkdir()
        for file in ("app.py", "alembic.ini", "test_publisher.py", "schema.sql"):
            shutil.copy(ROOT / file, folder)
        for part in ("src", "migrations", "samples", "scripts"):
            shutil.copytree(ROOT / part, folder / part)
        yield folder
        # Nothing of it may live on.
        assert living(folder) == []


def local(folder: Path, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
    """`app.py local …`, as from a terminal."""
    return subprocess.Popen(
        [sys.executable, "app.py", "local", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "OPENAI_ALLOW_REMOTE": "off", **mark(), **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(process: "subprocess.Popen[str]", sign: str) -> None:
    assert process.stdout is not None
    read = []
    for line in process.stdout:
        read.append(line)
        if sign in line:
            return
    pytest.fail(f"it ended without {sign}:\n{''.join(read)}")


def started(folder: Path, **variables: str) -> "subprocess.Popen[str]":
    """`make run`, as soon as its worker has started."""
    running = local(folder, "run", **variables)
    read_until(running, "worker_started")
    return running


def call(folder: Path, *arguments: str, code: int = 0, **variables: str) -> str:
    """What `app.py local …` prints in a second terminal."""
    process = local(folder, *arguments, **variables)
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, output
    return output
