"""The PostgreSQL of the system: another release than the wheel's, as it comes with TLS and without pgvector."""

import os
from pathlib import Path

import pytest

_HOME = Path("/usr/lib/postgresql")  # of Debian and Ubuntu


def system_programs() -> Path:
    """Returns the folder of its programs. Where it isn't installed, skips the test at home, and fails in CI."""
    found = sorted(_HOME.glob("*/bin/postgres"), key=lambda program: int(program.parts[-3]))
    if found:
        return found[-1].parent
    if os.environ.get("CI"):
        raise FileNotFoundError(_HOME / "*/bin/postgres")
    pytest.skip("no PostgreSQL of the system is installed: apt-get install postgresql")
