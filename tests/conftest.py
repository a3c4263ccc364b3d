"""Fixtures: PostgreSQL and RabbitMQ of this run's own, and the certainty that no test pays for a model."""

import gc
import ipaddress
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
import pytest

from src.config import DatabaseSettings
from src.devtools.local_postgres import LocalPostgres
from src.devtools.local_rabbitmq import LocalRabbitMQ
from src.devtools.local_reaper import Reaper, temporary_folder
from src.devtools.local_service import LocalServiceError
from src.operations.migrations import upgrade
from src.services.database.connection import Database
from tests.health import Health
from tests.peers import Peer
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.system_postgres import system_programs
from tests.upstream import Upstream
from tests.worker_process import WorkerProcess

_numbers = count(1)
_VHOSTS_AT_ONCE = 8
# The virtual hosts that no test has yet, by the port of their broker.
_spare_vhosts: dict[int, list[str]] = defaultdict(list)


def _refuse_to_leave_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    match event, arguments:
        case "socket.connect", (_, (host, *_)):
            pass
        case "socket.getaddrinfo", (host, *_):
            pass
        case _:
            return
    if not _is_local(host):
        raise RuntimeError(f"a test tried to reach {host}: nothing here may leave this machine")


def _is_local(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name in ("localhost", "None")


def pytest_configure() -> None:
    """Cuts this process off from the network, and from the settings of whoever runs the tests."""
    sys.addaudithook(_refuse_to_leave_this_machine)
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            # This is so in the background and under `nohup`. What tests start would ignore the signal too; it doesn't
            # inherit a handler.
            signal.signal(number, lambda *_: None)
    prefixes = (
        "OPENAI_",
        "RABBITMQ_",
        "DB_",
        "WORKER_",
        "COURSE_",
        "VECTOR_DB_ID",
        "OUTPUT_DIR",
        "FILES",
        "MAX_",
        "LOG_",
        "HEALTH_",
        "OUTBOX_",
    )
    for name in [name for name in os.environ if name.startswith(prefixes)]:
        del os.environ[name]
    os.environ["OPENAI_ALLOW_REMOTE"] = "off"
    # There are no limits of time: speed is measured in benchmarks/, and machines are slow at times.
    hypothesis.settings.register_profile(
        "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("untimed")


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    """Switches garbage collection off, for tests that drive the stack to its limit.

    Python 3.11 may collect garbage right at that limit. The finalizers of what earlier tests have left then raise
    RecursionError, and so may pytest when it reports that; it takes both for errors of this test.
    """
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(scope="session")
def reaper() -> Iterator[Reaper]:
    """Ends the servers and workers of a run that is interrupted in whatever way."""
    with Reaper() as reaper:
        yield reaper


@contextmanager
def private_postgres(database: str) -> Iterator[LocalPostgres]:
    """Yields a running server with one database that has the schema. The reaper ends it if the run is interrupted."""
    # It isn't in pytest's folder, as another test run closes that to the user that PostgreSQL runs as.
    with temporary_folder("postgres-") as folder:
        programs = system_programs() if os.environ.get("TEST_POSTGRES") == "system" else None
        server = LocalPostgres(folder, durable=False, programs=programs)
        server.start()
        server.create_database(database)
        upgrade(server.settings(database))
        yield server
        server.stop("immediate")


@pytest.fixture(scope="session")
def postgres(reaper: Reaper) -> Iterator[LocalPostgres]:
    with private_postgres("template") as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq(reaper: Reaper, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRabbitMQ]:
    try:
        broker = LocalRabbitMQ(tmp_path_factory.mktemp("rabbitmq"))
    except LocalServiceError as error:
        # If RabbitMQ is missing at home, its tests are skipped; if it is missing in CI, that is a fault.
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def empty_database(postgres: LocalPostgres) -> DatabaseSettings:
    """Makes a database with nothing in it."""
    name = f"empty_{next(_numbers)}"
    postgres.create_database(name, "template0")
    return postgres.settings(name)


@pytest.fixture
def database_settings(postgres: LocalPostgres) -> DatabaseSettings:
    return new_database(postgres)


@pytest.fixture
def database(database_settings: DatabaseSettings) -> Iterator[Database]:
    opened = Database(database_settings)
    yield opened
    opened.dispose()


@pytest.fixture
def psql(postgres: LocalPostgres, database_settings: DatabaseSettings) -> Psql:
    """Runs SQL on the test's database, as an operator types it."""
    return Psql(postgres, database_settings)


@pytest.fixture
def psql_empty(postgres: LocalPostgres, empty_database: DatabaseSettings) -> Psql:
    """Runs SQL on a database with nothing in it."""
    return Psql(postgres, empty_database)


@pytest.fixture
def peer(database: Database) -> Callable[..., Peer]:
    """Makes workers that share the test's database."""

    def make(**fields: Any) -> Peer:
        return Peer(database, **fields)

    return make


@pytest.fixture
def queue_course(psql: Psql) -> Callable[..., str]:
    """Queues a course by plain SQL and returns its id."""

    def insert(user_id: object = None, lessons: int = 2, title: str = "Cells") -> str:
        return psql.run(
            "INSERT INTO courses (user_id, topic, title, grade_level, total_lessons)"
            f" VALUES ('{user_id or uuid4()}', 'Cells', '{title}', 'Grade 8', {lessons}) RETURNING id"
        ).strip()

    return insert


@pytest.fixture
def vhost(rabbitmq: LocalRabbitMQ) -> str:
    return new_vhost(rabbitmq)


def new_vhost(broker: LocalRabbitMQ) -> str:
    """Returns a virtual host for one test, so that every test can use the names of the contract."""
    spare = _spare_vhosts[broker.port]
    if not spare:
        # Several at once, as to start `rabbitmqctl` takes longer than to make them.
        names = [f"test-{next(_numbers)}" for _ in range(_VHOSTS_AT_ONCE)]
        made = (
            f'rabbit_vhost:add(<<"{name}">>, <<"test">>), rabbit_auth_backend_internal:set_permissions('
            f'<<"course">>, <<"{name}">>, <<".*">>, <<".*">>, <<".*">>, <<"test">>)'
            for name in names
        )
        broker.control("eval", f"{', '.join(made)}.")
        spare += names
    return spare.pop()


def new_database(server: LocalPostgres) -> DatabaseSettings:
    """Makes a database with the schema in it."""
    name = f"test_{next(_numbers)}"
    server.create_database(name, "template")
    # On a slow machine a unit of work may have to wait long, for example for a connection.
    return server.settings(name).model_copy(update={"patience": 60.0})


def worker_environment(
    postgres: LocalPostgres,
    database: DatabaseSettings,
    rabbitmq: LocalRabbitMQ,
    vhost: str,
    stand_in: StandIn,
    folder: Path,
) -> dict[str, str]:
    """Returns the settings of a worker: real services, the stand-in model, and times short enough for tests."""
    return {
        **postgres.environment(database.name),
        **rabbitmq.environment(),
        "RABBITMQ_VHOST": vhost,
        "OPENAI_BASE_URL": stand_in.base_url,
        "OPENAI_MODEL": "stand-in",
        "OPENAI_ALLOW_REMOTE": "off",
        # Seconds; enough that no living worker loses a course if the machine stands still for a while.
        "WORKER_LEASE": "9",
        "WORKER_HEARTBEAT": "0.5",
        "WORKER_POLL": "0.2",
        "OUTPUT_DIR": str(folder / "courses"),
    }


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


@pytest.fixture
def upstream(rabbitmq: LocalRabbitMQ, vhost: str) -> Iterator[Upstream]:
    """Yields an upstream service with a connection of its own."""
    with Upstream(rabbitmq, vhost) as service:
        yield service


@pytest.fixture
def environment(
    postgres: LocalPostgres,
    database_settings: DatabaseSettings,
    rabbitmq: LocalRabbitMQ,
    vhost: str,
    stand_in: StandIn,
    tmp_path: Path,
) -> dict[str, str]:
    return worker_environment(postgres, database_settings, rabbitmq, vhost, stand_in, tmp_path)


class Workers:
    """Starts worker processes, and ends those that a test leaves behind."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self._environment = environment
        self._folder = folder
        self.started: list[WorkerProcess] = []

    def end(self) -> None:
        for worker in self.started:
            worker.end()

    def start(self, **settings: str) -> WorkerProcess:
        """Returns a worker that has started, with `settings` over those of the test."""
        worker = self.launch(**settings)
        worker.wait_for("worker_started")
        return worker

    def start_heir(self, psql: Psql, of: WorkerProcess, **settings: str) -> WorkerProcess:
        """Returns a worker that takes over from `of`, which was killed. The time that this needs is moved in rows."""
        heir = self.start(**settings)
        psql.run(
            "UPDATE workers SET unbroken_since = now() - interval '1 hour',"
            f" last_seen_at = CASE pid WHEN {of.pid} THEN now() - interval '1 hour' ELSE last_seen_at END"
        )
        return heir

    def launch(self, **settings: str) -> WorkerProcess:
        """Returns a worker without waiting for its start, which it may not reach."""
        worker = WorkerProcess({**self._environment, **settings}, self._folder)
        self.started.append(worker)
        return worker


@pytest.fixture
def workers(environment: dict[str, str], tmp_path: Path) -> Iterator[Workers]:
    starter = Workers(environment, tmp_path)
    yield starter
    starter.end()


@pytest.fixture
def health() -> Health:
    """Returns the HTTP port for one of the test's workers."""
    return Health()


@pytest.fixture
def user_id() -> str:
    return str(uuid4())
