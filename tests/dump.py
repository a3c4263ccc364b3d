"""Databases as pg_dump prints them."""

import difflib
import os
import subprocess

from src.config import DatabaseSettings
from src.devtools.local_postgres import LocalPostgres


def dump(server: LocalPostgres, database: DatabaseSettings, *, rows: bool = False) -> str:
    """Returns the schema as SQL, with `rows` also every row; without pg_dump's random restriction keys."""
    address = ["-h", database.host, "-p", str(database.port), "-U", database.user]
    text = subprocess.run(
        [server.bin / "pg_dump", *address, *([] if rows else ["--schema-only"]), database.name],
        env={"PATH": os.environ["PATH"], "PGPASSWORD": database.password},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return "\n".join(line for line in text.splitlines() if not line.startswith(("\\restrict", "\\unrestrict")))


def assert_same(first: str, second: str) -> None:
    assert first == second, "\n".join(difflib.unified_diff(first.splitlines(), second.splitlines(), lineterm=""))
