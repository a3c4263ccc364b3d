"""Private PostgreSQL and RabbitMQ for demos, development and tests, which need nothing shared and install nothing.

Both listen on loopback only, on free ports, have passwords of their own, and keep everything in one folder.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from src.devtools.local_postgres import LocalPostgres, is_root
from src.devtools.local_rabbitmq import DockerRabbitMQ, LocalRabbitMQ, docker_runs
from src.devtools.local_reaper import Reaper
from src.devtools.local_service import LocalServiceError, free_port, is_free


class LocalServices:
    """Both services of one clone of the project. Their ports and passwords are kept in `folder`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # If root starts PostgreSQL, it runs as another user, who must get through. What is inside is closed.
        folder.chmod(0o711 if is_root() else 0o700)
        self._lock = FileLock(folder / "lock", mode=0o600)
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
            if not docker_runs():
                raise
            self.rabbitmq = DockerRabbitMQ(**broker)

    def start(self) -> None:
        """Starts both, and makes the database `learningdb` if it isn't there."""
        if not is_free(self.postgres.port):
            self.postgres.port = free_port()
        self.rabbitmq.renew()
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
        try:
            self.rabbitmq.stop()
        finally:
            self.postgres.stop()

    @property
    def are_made(self) -> bool:
        """Whether the services have ever been started."""
        return self._state_file.exists()

    @contextlib.contextmanager
    def reserved(self) -> Iterator[None]:
        """Keeps other programs from starting these services. If this one is killed, all that it started ends with it.

        Raises `LocalServiceError` if another program has reserved them.
        """
        try:
            # Not at once: another program's `are_reserved` may hold the lock for a moment.
            with self._lock.acquire(timeout=1), Reaper():
                self.stop()  # they may be left of a program whose reaper was killed too, or run in Docker
                yield
        except Timeout:
            raise LocalServiceError(
                "The local services of this folder are running already: end the other `make run` or `make psql` first"
            ) from None

    @property
    def are_reserved(self) -> bool:
        """Whether a program has reserved the services: they run, or are about to."""
        try:
            with self._lock.acquire(blocking=False):
                return False
        except Timeout:
            return True

    def environment(self) -> dict[str, str]:
        """Returns the environment variables with which a worker connects to both."""
        return {**self.postgres.environment("learningdb"), **self.rabbitmq.environment()}

    def named(self, name: str) -> LocalPostgres | LocalRabbitMQ | DockerRabbitMQ:
        """Returns the service that is called `postgres` or `rabbitmq`."""
        return {"postgres": self.postgres, "rabbitmq": self.rabbitmq}[name]
