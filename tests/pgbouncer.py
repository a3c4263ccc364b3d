"""PgBouncer between programs and the tests' PostgreSQL, where each transaction may get another session."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from src.config import DatabaseSettings
from src.devtools.local_postgres import is_root
from src.devtools.local_service import HOST, HeldPort
from tests.waiting import PATIENCE, eventually

_PROGRAM = Path("/usr/sbin/pgbouncer")
# It refuses to be root's, and reads its files before it becomes another's.
_OWNER = "nobody"
# Beside the way to the server and the mode, everything is PgBouncer's default.
_CONFIGURATION = """\
[databases]
* = host={host} port={server_port}

[pgbouncer]
pool_mode = {mode}
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
{more}
"""


@contextmanager
def pooled(
    server: DatabaseSettings, folder: Path, mode: str = "transaction", more: str = ""
) -> Iterator[DatabaseSettings]:
    """Yields the settings that lead to the database of `server` through PgBouncer. `more`: a line for its file."""
    if not _PROGRAM.exists():
        if os.environ.get("CI"):
            raise FileNotFoundError(_PROGRAM)
        pytest.skip("PgBouncer is not installed: apt-get install pgbouncer")
    folder.mkdir()
    held, log, users = HeldPort(), folder / "log", folder / "users.txt"
    users.touch(0o600)
    users.write_text(f'"{server.user}" "{server.password}"\n')
    (configuration := folder / "pgbouncer.ini").write_text(
        _CONFIGURATION.format(host=HOST, server_port=server.port, mode=mode, port=held.number, users=users, more=more)
    )
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(_PROGRAM), *(("-u", _OWNER) if is_root() else ()), str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
        )

    def serves() -> bool:
        assert process.poll() is None, log.read_text()
        return "process up" in log.read_text()

    try:
        eventually(serves, "PgBouncer serves")
        yield server.model_copy(update={"port": held.number})
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
