"""Fault 59: kills, restarts and outages for a while, under load."""

import subprocess
import sys

import pytest

from src.operations.known_schema import ROOT


@pytest.mark.long
def test_under_chaos_every_request_ends_once() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--minutes", "1.8", "--pause", "1", "4", "--seed", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
