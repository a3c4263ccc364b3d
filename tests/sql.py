"""SQL as an operator uses it: through psql, with nothing of the project's own code."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2

from src.config import DatabaseSettings
from src.devtools.local_postgres import LocalPostgres


class SQLError(Exception):
    """What psql printed on stderr."""


@contextmanager
def locked(table: str, database: DatabaseSettings, mode: str = "EXCLUSIVE") -> Iterator[None]:
    """Makes whoever writes to the table wait until the block ends; with `ACCESS EXCLUSIVE`, whoever reads it too."""
    connection = psycopg2.connect(
        host=database.host,
        port=database.port,
        user=database.user,
        password=database.password,
        dbname=database.name,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN {mode} MODE")
        yield
    connection.close()


class Psql:
    """Runs statements with the program `psql`."""

    def __init__(self, server: LocalPostgres, database: DatabaseSettings) -> None:
        self._program = server.bin / "psql"
        self._environment = {
            "PATH": os.environ["PATH"],
            "PGHOST": database.host,
            "PGPORT": str(database.port),
            "PGUSER": database.user,
            "PGPASSWORD": database.password,
            "PGDATABASE": database.name,
        }

    def run(self, statement: str) -> str:
        """Runs a statement and returns what psql prints. Raises `SQLError`."""
        return self._call("-c", statement)

    def file(self, path: str) -> str:
        """Runs a file with `psql -f`, which goes on after an error, and returns what it prints. Raises `SQLError`."""
        done = self._done("-f", path)
        if done.returncode or "ERROR" in done.stderr:
            raise SQLError(done.stderr)
        return done.stdout + done.stderr

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Returns the rows of a query, each by column."""
        text = self._call("-c", f"SELECT coalesce(json_agg(r), '[]') FROM ({query}) r")
        return list(json.loads(text))

    def row(self, query: str) -> dict[str, Any]:
        """Returns the one row of a query, by column."""
        (row,) = self.rows(query)
        return row

    def value(self, query: str) -> Any:
        """Returns the one value of a query."""
        (value,) = self.row(query).values()
        return value

    def _call(self, *arguments: str) -> str:
        done = self._done("-v", "ON_ERROR_STOP=1", *arguments)
        if done.returncode:
            raise SQLError(done.stderr)
        return done.stdout

    def _done(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self._program), "-X", "-q", "-A", "-t", *arguments]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True)
