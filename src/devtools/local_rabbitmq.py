"""A private RabbitMQ node, which is started from the system's package, or in Docker if there is none."""

import base64
import contextlib
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pika
import psutil
from pika.exceptions import AMQPConnectionError

from src.config import RabbitMQSettings
from src.devtools.local_reaper import mark
from src.devtools.local_service import HOST, PATIENCE, HeldPort, LocalServiceError, free_port, is_free, listens

_USER = "course"
_DEBIAN_RABBITMQ = Path("/usr/lib/rabbitmq/bin")
_RABBITMQ_IMAGE = "rabbitmq:4-alpine"
# The listener needs the option of the socket that holds its port. The others are RabbitMQ's defaults, which go with it.
_LISTEN_OPTIONS = ["{backlog, 128}", "{nodelay, true}", "{linger, {true, 0}}", "{exit_on_close, false}"]
if sys.platform == "linux":
    _LISTEN_OPTIONS.append(f"{{raw, {socket.SOL_SOCKET}, {socket.SO_REUSEPORT}, <<1:32/native>>}}")


class LocalRabbitMQ:
    """A private RabbitMQ node with its data in `folder`."""

    def __init__(self, folder: Path, *, port: int | None = None, password: str | None = None) -> None:
        self._folder = folder.resolve()
        self._held = HeldPort(), HeldPort()
        self._distribution_port, self._epmd_port = (held.number for held in self._held)
        # Clients tell their password to whoever listens there, also while the node is away.
        self._own = None if port else HeldPort(against_others=True)
        self.port = self._own.number if self._own else port or 0
        self.password = password or secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        self._scripts = _rabbitmq_scripts()

    def renew(self) -> None:
        """Takes another port if this one isn't free, holds it while this object lives, and makes a new password."""
        self._own = HeldPort(self.port, against_others=True)
        self.port = self._own.number
        self.password = secrets.token_hex(16)

    def start(self, settings: str = "") -> None:
        """Starts the node and waits until it takes connections. `settings` are more lines of its rabbitmq.conf."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)  # its password is in it
        (self._folder / "home").mkdir(exist_ok=True)
        (self._folder / "enabled_plugins").write_text("[].\n")
        (self._folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.local = {HOST}:{self.port}\n"
            # Unlike a default user, who is made once, it is given its password at each start.
            "load_definitions = definitions.json\n"
            # The default is more than many development machines have free.
            f"disk_free_limit.absolute = 50MB\n{settings}"
        )
        (self._folder / "definitions.json").write_text(_definitions(self.password))
        (self._folder / "advanced.config").write_text(
            f"[{{rabbit, [{{tcp_listen_options, [{', '.join(_LISTEN_OPTIONS)}]}}]}}].\n"
        )
        with (self._folder / "rabbitmq.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._scripts / "rabbitmq-server")],
                env=self._environment(),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _wait_until(self._answers, self._what_went_wrong)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stops the node, whoever has started it: SIGTERM stops it in order, SIGKILL as a crash would."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE)
            self._process = None
        epmd_ports = {str(self._epmd_port)}
        if (node := self._node()) is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                epmd_ports.add(node.environ()["ERL_EPMD_PORT"])
                node.send_signal(number)
            _wait_until(lambda: not self.runs, lambda: f"RabbitMQ (process {node.pid}) doesn't stop")
        # Erlang's name server was started for this node alone, and would outlive it.
        if epmd := shutil.which("epmd"):
            for port in epmd_ports:
                subprocess.run([epmd, "-port", port, "-kill"], capture_output=True, env=self._environment())

    @property
    def runs(self) -> bool:
        """Whether the node runs, whoever has started it."""
        return self._node() is not None

    def _node(self) -> psutil.Process | None:
        own = f"{self._folder}/mnesia"
        for process in psutil.process_iter(["name"]):
            with contextlib.suppress(psutil.Error):
                is_node = process.info["name"] == "beam.smp" and process.status() != psutil.STATUS_ZOMBIE
                if is_node and process.environ().get("RABBITMQ_MNESIA_BASE") == own:
                    return process
        return None

    def control(self, *arguments: str) -> str:
        """Runs `rabbitmqctl`; returns what it prints. Raises `LocalServiceError` if it fails."""
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
        """Returns the settings for this node."""
        return _broker_settings(self.port, self.password)

    def environment(self) -> dict[str, str]:
        """Returns the settings for this node as environment variables."""
        return _broker_environment(self.settings())

    def _environment(self) -> dict[str, str]:
        folder = str(self._folder)
        return {
            "PATH": os.environ.get("PATH", ""),
            "LANG": "C.UTF-8",
            "HOME": f"{folder}/home",  # for the Erlang cookie
            "RABBITMQ_NODENAME": "course@localhost",
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",  # or the settings of the system's own broker would count
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": HOST,
            "RUNNING_UNDER_SYSTEMD": "1",  # makes the script become the server, so that signals reach it
            **mark(),
        }

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise LocalServiceError(self._what_went_wrong())
        return _amqp_answers(self.port, self.password)

    def _what_went_wrong(self) -> str:
        log = self._folder / "rabbitmq.log"
        return f"RabbitMQ did not start; the end of {log}:\n{log.read_text(errors='replace')[-2000:]}"


class DockerRabbitMQ:
    """A private RabbitMQ node in a container, for machines on which none is installed."""

    def __init__(self, *, port: int | None = None, password: str | None = None) -> None:
        self.port = port or free_port()
        self.password = password or secrets.token_hex(16)

    def renew(self) -> None:
        """Takes another port if this one isn't free, with a new password, as its volume is another one too."""
        if not is_free(self.port):
            self.port, self.password = free_port(), secrets.token_hex(16)

    @property
    def _name(self) -> str:
        """The name of the container, and of the volume that keeps its data."""
        return f"course-generator-rabbitmq-{self.port}"

    def start(self) -> None:
        """Starts the container and waits until the node takes connections."""
        run = ["docker", "run", "--detach", "--rm", "--name", self._name, "--publish", f"{HOST}:{self.port}:5672"]
        # The node is named after its host, and its folder in the volume after the node: the host's name must stay.
        data = ["--hostname", "rabbitmq", "--volume", f"{self._name}:/var/lib/rabbitmq"]
        # Docker takes the password from its own environment: the command line is for everybody to see.
        variables = ["--env", f"RABBITMQ_DEFAULT_USER={_USER}", "--env", "RABBITMQ_DEFAULT_PASS"]
        environment = {**os.environ, "RABBITMQ_DEFAULT_PASS": self.password}
        command = [*run, *data, *variables, _RABBITMQ_IMAGE]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise LocalServiceError(f"docker can't run {_RABBITMQ_IMAGE}: {done.stderr.strip()}")
        _wait_until(lambda: _amqp_answers(self.port, self.password), lambda: f"see `docker logs {self._name}`")

    @property
    def runs(self) -> bool:
        """Whether the container exists."""
        return subprocess.run(["docker", "container", "inspect", self._name], capture_output=True).returncode == 0

    def stop(self) -> None:
        """Stops and removes the container; its volume stays."""
        subprocess.run(["docker", "stop", self._name], capture_output=True)

    def settings(self) -> RabbitMQSettings:
        """Returns the settings for this node."""
        return _broker_settings(self.port, self.password)

    def environment(self) -> dict[str, str]:
        """Returns the settings for this node as environment variables."""
        return _broker_environment(self.settings())


def _rabbitmq_scripts() -> Path:
    # On Debian the script in PATH insists on the system's own user and folders.
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


def _wait_until(ready: Callable[[], bool], failed: Callable[[], str]) -> None:
    end = time.monotonic() + PATIENCE
    while not ready():
        if time.monotonic() > end:
            raise LocalServiceError(failed())
        time.sleep(0.05)


def _amqp_answers(port: int, password: str) -> bool:
    if listens(port):
        with contextlib.suppress(AMQPConnectionError):
            credentials = pika.PlainCredentials(_USER, password)
            pika.BlockingConnection(pika.ConnectionParameters(HOST, port, credentials=credentials)).close()
            return True
    return False


def _definitions(password: str) -> str:
    # https://www.rabbitmq.com/docs/passwords#computing-password-hash
    salt = secrets.token_bytes(4)
    digest = base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
    user = {"name": _USER, "password_hash": digest, "hashing_algorithm": "rabbit_password_hashing_sha256"}
    rights = {"configure": ".*", "write": ".*", "read": ".*"}
    return json.dumps(
        {
            "vhosts": [{"name": "/"}],
            "users": [{**user, "tags": "administrator"}],
            "permissions": [{"user": _USER, "vhost": "/", **rights}],
        }
    )


def docker_runs() -> bool:
    """Returns whether there is a Docker engine to run containers in."""
    return (
        shutil.which("docker") is not None and subprocess.run(["docker", "info"], capture_output=True).returncode == 0
    )
