"""Runs the worker and commands with private local services, for `make demo`, `make run`, `make psql` and the like."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

from rich.console import Console

from src.config import Settings
from src.devtools.local_postgres import LocalPostgres
from src.devtools.local_service import PATIENCE, LocalServiceError, listens
from src.devtools.local_services import LocalServices
from src.operations.known_schema import ROOT
from src.operations.migrations import upgrade
from src.services import DatabaseService

_FOLDER = ROOT / ".services"
_SAMPLES = ROOT / "samples"

_NOT_RUNNING = "The local services are not running: start them with `make run`"
# The signals that end a program in order, besides Ctrl-C. SIGHUP comes when a terminal is closed; Windows has none.
_ENDS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))

_Handler = Callable[[int, FrameType | None], object] | signal.Handlers

_console = Console(highlight=False, soft_wrap=True)
_errors = Console(highlight=False, soft_wrap=True, stderr=True)


def demo(lessons: int) -> int:
    """Makes one course of so many lessons, from nothing to READY. Returns the exit code."""
    _at_the_end(_exit)
    if Settings().openai.configured and (code := _model_check()) != 0:
        return code
    with _services() as (services, environment), _stand_in(environment) as has_samples, _worker(environment):
        _say("Sending a request, as an upstream service would:")
        arguments = ["--topic", "Cell Biology", "--num-lessons", str(lessons), "--wait"]
        if has_samples:
            arguments += ["--source-filter", "cell-biology/"]
        done = subprocess.run([sys.executable, "test_publisher.py", *arguments], cwd=ROOT, env=environment)
        if done.returncode != 0:
            return done.returncode
        return 0 if _show_course(services) else 1


def _model_check() -> int:
    """Tries the model that is configured before anything is started. Returns the exit code."""
    _say("First a try of the model that OPENAI_API_KEY or OPENAI_BASE_URL names:")
    return subprocess.run([sys.executable, "app.py", "model", "check"], cwd=ROOT).returncode


def run() -> int:
    """Serves until Ctrl-C. Returns the exit code."""
    _at_the_end(_exit)
    with _services() as (_, environment), _stand_in(environment) as has_samples:
        source_filter = " --source-filter cell-biology/" if has_samples else ""
        _say("The worker starts now. In another terminal:")
        _say(f"    make publish ARGS='--topic \"Cell Biology\"{source_filter} --wait'")
        _say("    make psql")
        with _process([sys.executable, "app.py"], environment) as worker:
            code = _until_stopped(worker)
        if code < 0:
            _warn(f"The worker was ended by {signal.Signals(-code).name}. The services stop too.")
    _say("The local services have stopped; their data stays in .services.")
    return 128 - code if code < 0 else code


def execute(command: Sequence[str]) -> int:
    """Runs a command with the settings of the services that `run` has started. Returns its exit code."""
    services = _running()
    listens(services.rabbitmq.port)  # a stranger there would be told the password
    environment = {**os.environ, **services.environment()}
    try:
        return subprocess.run(command, env=environment).returncode
    except OSError as error:
        _warn(f"{command[0]}: {error.strerror}")
        return 127  # as a shell does


def psql(arguments: Sequence[str]) -> int:
    """Opens psql on the local database. Returns the exit code."""
    with _postgres() as postgres:
        return _psql(postgres, arguments)


def app(arguments: Sequence[str]) -> int:
    """Runs a command of `app.py` on the local database. Returns the exit code."""
    with _postgres() as postgres:
        environment = {**os.environ, **postgres.environment("learningdb")}
        return subprocess.run([sys.executable, ROOT / "app.py", *arguments], env=environment).returncode


@contextlib.contextmanager
def _postgres() -> Iterator[LocalPostgres]:
    """Yields the server of the local database. If it isn't running, it is started, and stopped afterwards."""
    services = LocalServices(_FOLDER)
    if services.postgres.runs:
        yield services.postgres
        return
    if not services.are_made:
        raise LocalServiceError(_NOT_RUNNING)
    if services.are_reserved:
        raise LocalServiceError(
            "PostgreSQL is not running: `make run` is about to start it, or it was stopped with `local stop postgres`"
        )
    with services.reserved():
        services.postgres.start()
        try:
            yield services.postgres
        finally:
            services.postgres.stop()


def _psql(postgres: LocalPostgres, arguments: Sequence[str]) -> int:
    database = postgres.environment("learningdb")
    variables = {
        "PGHOST": database["DB_HOST"],
        "PGPORT": database["DB_PORT"],
        "PGDATABASE": database["DB_NAME"],
        "PGUSER": database["DB_USER"],
        "PGPASSWORD": database["DB_PASSWORD"],
        "PGREQUIREAUTH": database["PGREQUIREAUTH"],
    }
    return subprocess.run([postgres.bin / "psql", *arguments], env={**os.environ, **variables}).returncode


def start(service: str) -> int:
    """Starts a service again that `stop` has stopped. Returns the exit code."""
    stopped = _running().named(service)
    if not stopped.runs:
        stopped.start()
    return 0


def stop(service: str) -> int:
    """Stops a service under a running worker. Returns the exit code."""
    _running().named(service).stop()
    return 0


def _running() -> LocalServices:
    """Returns the services that `run` has started. Raises `LocalServiceError` if it hasn't."""
    services = LocalServices(_FOLDER)
    if not services.are_reserved:
        raise LocalServiceError(_NOT_RUNNING)
    return services


@contextlib.contextmanager
def _services() -> Iterator[tuple[LocalServices, dict[str, str]]]:
    """Yields running services with the schema in place, and the environment for a worker that uses them."""
    services = LocalServices(_FOLDER)
    # The private services override what .env names: nothing of a demo may reach a real database or broker.
    os.environ.update(services.environment())
    Settings()  # if .env is wrong, it raises before anything is started
    _say("Starting PostgreSQL and RabbitMQ, private to this folder …")
    with services.reserved():
        try:
            services.start()
            upgrade(services.postgres.settings("learningdb"))
            yield services, {**os.environ, **services.environment()}
        finally:
            services.stop()


@contextlib.contextmanager
def _stand_in(environment: dict[str, str]) -> Iterator[bool]:
    """Runs the stand-in and enters it into `environment`, if no model is configured.

    It writes only from sources, so it gets the samples if there is no vector store. Yields whether it got them.
    """
    openai = Settings().openai
    if openai.configured:
        yield False
        return
    _say("No OPENAI_API_KEY and no OPENAI_BASE_URL: the stand-in model writes (text taken from the sources).")
    with _process([sys.executable, "app.py", "stand-in"], environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        environment["OPENAI_BASE_URL"] = line.partition("OPENAI_BASE_URL=")[2].strip()
        environment["OPENAI_MODEL"] = "stand-in"
        environment.pop("OPENAI_MODEL_OUTLINE", None)
        if openai.vector_store_id is None:
            _add_samples(environment)
        yield openai.vector_store_id is None


def _add_samples(environment: dict[str, str]) -> None:
    add = [sys.executable, "app.py", "sources", "add", str(_SAMPLES), "--language", "en"]
    done = subprocess.run(add, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise LocalServiceError(f"The samples could not be added to the sources: {done.stderr.strip()}")
    _say(f"Its sources are those in {_shown(_SAMPLES)}: {done.stdout.strip()}")


@contextlib.contextmanager
def _worker(environment: dict[str, str]) -> Iterator[None]:
    log = _FOLDER / "worker.log"
    log.touch(mode=0o600)
    _say(f"Starting the worker; its log is {_shown(log)}")
    with log.open("ab") as output, _process([sys.executable, "app.py"], environment, stderr=output):
        yield


@contextlib.contextmanager
def _process(
    command: Sequence[str], environment: dict[str, str], stdout: int | None = None, stderr: IO[bytes] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    # In a session of its own, so that Ctrl-C reaches only this program, which then ends the others in order.
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=stdout, stderr=stderr, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _until_stopped(worker: subprocess.Popen[bytes]) -> int:
    """Waits for the worker and returns its exit code.

    Signals that would end this program are passed on: the first ends the worker in order, the second at once.
    """

    def end(number: int, _: object) -> None:
        # A terminal that is closed signals twice, by its shell and by the system, but means it once.
        if number not in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        worker.terminate()

    signal.signal(signal.SIGINT, end)
    _at_the_end(end)
    return worker.wait()


def _at_the_end(handler: _Handler) -> None:
    """Sets the handler of each signal that ends this program, unless it is ignored, as with `nohup`."""
    for number in _ENDS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def _exit(number: int, _: object) -> None:
    """Ends this program through every `finally`; further signals are ignored, as nothing may disturb that."""
    _at_the_end(signal.SIG_IGN)
    sys.exit(128 + number)


def _show_course(services: LocalServices) -> bool:
    """Shows the newest course in the database; returns whether it is whole."""
    database = DatabaseService(services.postgres.settings("learningdb"))
    with database.get_cursor() as cursor:
        cursor.execute(
            """
            SELECT c.id, c.status, c.title, c.output_path, l.lesson_number, l.title AS lesson, l.sources,
                   (SELECT count(*) FROM lesson_checks k WHERE k.lesson_id = l.id AND k.answer IS NOT NULL) AS checks
            FROM courses c JOIN lessons l ON l.course_id = c.id
            WHERE c.id = (SELECT id FROM courses ORDER BY created_at DESC LIMIT 1)
            ORDER BY l.lesson_number
            """
        )
        rows = cursor.fetchall()
    database.disconnect()
    first = rows[0]
    _say(f'\nIn SQL: course {first["id"]}, {first["status"]}, "{first["title"]}"')
    for row in rows:
        sources = ", ".join(row["sources"]) or "none"
        _say(f"    {row['lesson_number']}. {row['lesson']} ({row['checks']} checks with answers; sources: {sources})")
    _say("    make psql ARGS=\"-c 'SELECT * FROM v_course_summary'\"")
    _say(f"On disk: {first['output_path']}/course.md and course.json")
    _say("Next: `make run` serves until Ctrl-C.")
    whole = first["status"] == "READY" and all(row["checks"] >= 3 for row in rows)
    if not whole:
        _say("That is no whole course: a fault of this program.")
    return whole


def _say(text: str) -> None:
    _console.print(text, markup=False)


def _warn(text: str) -> None:
    _errors.print(text, markup=False, style="red")


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))
