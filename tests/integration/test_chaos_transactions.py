"""The chaos run tells a transaction that is held for nothing from one whose worker doesn't get the processor."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psycopg2
import pytest

from src.config import DatabaseSettings
from tests.chaos.transactions import neglected

CLIENT = """
import sys, psycopg2
connection = psycopg2.connect(sys.argv[1])
connection.cursor().execute("SELECT")
print("open", flush=True)
{then}
"""
SLEEPS = "sys.stdin.read()"
WORKS = "while True: pass"


@pytest.fixture
def client(database_settings: DatabaseSettings) -> Iterator[Callable[[str], int]]:
    """Starts a process that opens a transaction and then does what it is told; returns its pid."""
    name = "application_name=course-generator"
    with ExitStack() as stack:
        yield lambda then: stack.enter_context(_started(CLIENT.format(then=then), f"{_dsn(database_settings)} {name}"))


@contextmanager
def _started(program: str, dsn: str) -> Iterator[int]:
    command = [sys.executable, "-c", program, dsn]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "open\n"
        yield process.pid
        process.kill()


def _dsn(database: DatabaseSettings) -> str:
    return (
        f"host={database.host} port={database.port} user={database.user} password={database.password}"
        f" dbname={database.name}"
    )


@pytest.mark.parametrize(("then", "number"), [(SLEEPS, 1), (WORKS, 0)], ids=["sleeps", "works"])
def test_a_transaction_is_neglected_where_its_worker_sleeps_and_not_where_it_works(
    client: Callable[[str], int], database_settings: DatabaseSettings, then: str, number: int
) -> None:
    worker = client(then)
    observer = psycopg2.connect(_dsn(database_settings))
    observer.autocommit = True
    assert neglected(observer, [worker], seconds=0) == number
    observer.close()
