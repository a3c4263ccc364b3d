"""Runs workers under load, trouble and attacks; audits what became of each request. Exit code 1: a fault was found."""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pika
import psutil
import psycopg2
from rich.console import Console

from src.devtools.local_postgres import LocalPostgres
from src.devtools.local_rabbitmq import LocalRabbitMQ
from src.devtools.local_reaper import Reaper, remove
from src.devtools.local_service import HOST
from src.operations.known_schema import ROOT
from src.operations.migrations import upgrade
from tests.broker import close_every_connection
from tests.chaos.audit import Found, Observed, audit
from tests.chaos.traffic import Listener, Publisher
from tests.chaos.transactions import neglected
from tests.waiting import PATIENCE
from tests.worker_process import WorkerProcess

_LEASE = 9.0
# What goes wrong with the model of itself, as chances of a call.
_MODEL_FAULTS = {
    "429": 0.02,
    "500": 0.02,
    "503": 0.01,
    "reset": 0.01,
    "timeout": 0.003,
    "cut_off": 0.01,
    "not_json": 0.01,
}
_LAST_COURSES = 2 * PATIENCE
_DATABASE = "learningdb"

_console = Console(highlight=False, soft_wrap=True)


class Chaos:
    """One run."""

    def __init__(self, folder: Path, workers: int, seed: int, per_second: float, pause: tuple[float, float]) -> None:
        self._folder = folder
        self._dice = random.Random(seed)
        self._seed = seed
        self._per_second = per_second
        self._pause = pause
        self._number = workers
        self._began = time.monotonic()
        self._postgres = LocalPostgres(folder / "postgres")  # durable: it is stopped as by a crash
        self._rabbitmq = LocalRabbitMQ(folder / "rabbitmq")
        self._workers: list[WorkerProcess] = []
        self._every_worker: list[WorkerProcess] = []
        self._model = ""
        self._observed = Observed()
        self._suspended = threading.Event()
        self._over = threading.Event()

    def run(self, minutes: float) -> bool:
        """Whether every promise was kept."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._services())
            stack.enter_context(self._stand_in())
            stack.callback(self._end_workers)
            broker = pika.ConnectionParameters(
                HOST, self._rabbitmq.port, "/", pika.PlainCredentials("course", self._rabbitmq.password)
            )
            publisher, listener = Publisher(broker, self._per_second, self._seed), Listener(broker)
            sampler = threading.Thread(target=self._sample, name="sampler", daemon=True)
            self._workers = [self._new_worker() for _ in range(self._number)]
            for thread in (publisher, listener, sampler):
                thread.start()
            self._trouble(minutes * 60)
            publisher.stop()
            self._say(f"{len(publisher.sent)} requests are sent; the last courses may end")
            self._wait_for_the_last()
            self._over.set()
            sampler.join()
            for worker in self._workers:
                self._stopped(worker)
            self._settle(listener)
            listener.stop()
            found = self._found()
        heard = listener.heard
        findings = audit(publisher.sent, heard.status, heard.replies, heard.dead, found, self._observed)
        self._say("Audit")
        for finding in findings:
            verdict = "FAULT" if finding.bad else "ok"
            _console.print(f"  {verdict:5}  {finding.what:42} {finding.figure or len(finding.bad)}", markup=False)
            for bad in finding.bad[:20]:
                _console.print(f"           {bad}", markup=False)
        return not any(finding.bad for finding in findings)

    def keep_logs(self) -> None:
        """Writes what every worker said into the folder."""
        for number, worker in enumerate(self._every_worker):
            (self._folder / f"worker-{number}-{worker.pid}.log").write_text(str(worker))

    def _trouble(self, seconds: float) -> None:
        kinds: dict[Callable[[], str], int] = {
            self._kill: 6,
            self._replace: 3,
            self._suspend: 2,
            self._restart_broker: 2,
            self._close_connections: 2,
            self._restart_database: 3,
            self._terminate_backends: 2,
            self._lock_courses: 2,
            self._lock_table: 1,
            self._plant: 1,
        }
        each_once = self._dice.sample(list(kinds), len(kinds))  # also a short run has every kind
        end = self._began + seconds
        while (left := end - time.monotonic()) > 0:
            self._over.wait(min(self._dice.uniform(*self._pause), left))
            if time.monotonic() < end:
                kind = each_once.pop() if each_once else self._dice.choices(list(kinds), list(kinds.values()))[0]
                self._say(kind())
            self._look_after_workers()

    def _kill(self) -> str:
        worker = self._any_worker()
        opened = self._note("killed")
        worker.signal(signal.SIGKILL)
        worker.wait()
        self._replace_by_new(worker)
        return f"killed a worker; {opened} calls were open"

    def _replace(self) -> str:
        worker = self._any_worker()
        self._stopped(worker)
        self._note("stopped", calls=False)
        self._replace_by_new(worker)
        return "stopped a worker, started another"

    def _suspend(self) -> str:
        worker = self._any_worker()
        self._suspended.set()
        worker.signal(signal.SIGSTOP)
        opened = self._note("suspended")
        seconds = _LEASE + self._dice.uniform(1, 6)
        time.sleep(seconds)
        worker.signal(signal.SIGCONT)
        time.sleep(2)  # it ends the transaction that it was in, or the database does
        self._suspended.clear()
        return f"suspended a worker for {seconds:.0f} s; {opened} calls were open"

    def _restart_broker(self) -> str:
        seconds = self._dice.choice((0.0, 3.0, 10.0))
        number = self._dice.choice((signal.SIGTERM, signal.SIGKILL))
        self._rabbitmq.stop(number)
        time.sleep(seconds)
        self._rabbitmq.start()
        self._note("broker restarts", calls=False)
        return f"restarted the broker ({number.name}), {seconds:.0f} s away"

    def _close_connections(self) -> str:
        close_every_connection(self._rabbitmq)
        self._note("broker connections closed", calls=False)
        return "closed every connection to the broker"

    def _restart_database(self) -> str:
        seconds = self._dice.choice((0.0, 0.0, 5.0, 15.0))
        mode = self._dice.choice(("fast", "immediate"))
        self._postgres.stop(mode)
        self._note("database restarts")
        before = self._calls()
        time.sleep(seconds)
        self._postgres.start()
        if seconds:
            # Who can't prove a lease gives up what it has; until all have their leases proven again, that may go on.
            time.sleep(_LEASE)
            self._observed.open_at_troubles += self._calls() - before
        return f"restarted the database ({mode}), {seconds:.0f} s away"

    def _terminate_backends(self) -> str:
        with self._connected() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE application_name IN ('course-generator', 'heartbeat') AND random() < 0.5"
            )
            (number,) = cursor.fetchone()
        self._note("times sessions ended", calls=False)
        return f"ended {number} sessions of the database"

    def _lock_courses(self) -> str:
        seconds = self._dice.uniform(2, 12)
        with self._connected() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT id FROM courses WHERE random() < 0.5 FOR UPDATE SKIP LOCKED")
            number = cursor.rowcount
            users = "SELECT DISTINCT user_id::text AS id FROM courses"
            cursor.execute(f"SELECT pg_advisory_xact_lock(hashtextextended(id, 0)) FROM ({users}) u")
            time.sleep(seconds)
            cursor.execute("ROLLBACK")
        self._note("times courses locked", calls=False)
        return f"locked {number} courses for {seconds:.0f} s"

    def _lock_table(self) -> str:
        seconds = self._dice.uniform(1, 4)
        with self._connected() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("LOCK TABLE courses IN ACCESS EXCLUSIVE MODE")
            time.sleep(seconds)
            cursor.execute("ROLLBACK")
        self._note("times the table locked", calls=False)
        return f"locked all courses for {seconds:.0f} s"

    def _plant(self) -> str:
        folder = self._folder / "courses" / ".files-only" / str(uuid4())
        folder.mkdir(parents=True)
        os.mkfifo(folder / "request.json")
        time.sleep(self._dice.uniform(2, 8))
        shutil.rmtree(folder)
        self._note("FIFOs planted", calls=False)
        return "planted a FIFO among the requests on disk, and took it away"

    def _note(self, what: str, *, calls: bool = True) -> int:
        self._observed.troubles[what] += 1
        opened = int(self._stats()["open"]) if calls else 0
        self._observed.open_at_troubles += opened
        return opened

    def _look_after_workers(self) -> None:
        for worker in list(self._workers):
            if worker.ended:
                self._observed.died.append(f"{worker.pid} ended by itself: {worker.wait()}")
                self._replace_by_new(worker)

    def _any_worker(self) -> WorkerProcess:
        return self._dice.choice(self._workers)

    def _replace_by_new(self, worker: WorkerProcess) -> None:
        self._workers[self._workers.index(worker)] = self._new_worker()

    def _stopped(self, worker: WorkerProcess) -> None:
        try:
            worker.signal(signal.SIGTERM)
            code = worker.wait()
        except subprocess.TimeoutExpired:
            self._observed.died.append(f"{worker.pid} did not stop")
            worker.end()
        else:
            if code != 0:
                self._observed.died.append(f"{worker.pid} stopped with {code}")

    def _new_worker(self) -> WorkerProcess:
        settings = {
            **self._postgres.environment(_DATABASE),
            **self._rabbitmq.environment(),
            "DB_PATIENCE": "3",
            "OPENAI_BASE_URL": self._model,
            "OPENAI_MODEL": "stand-in",
            "OPENAI_ALLOW_REMOTE": "off",
            "OPENAI_TIMEOUT": "5",
            "OPENAI_DEADLINE": "30",
            "WORKER_LEASE": f"{_LEASE:g}",
            "WORKER_HEARTBEAT": "0.5",
            "WORKER_POLL": "0.5",
            "WORKER_SLOTS": "20",
            "RABBITMQ_HEARTBEAT": "5",
            "COURSE_MAX_ATTEMPTS": "50",
            "OUTPUT_DIR": str(self._folder / "courses"),
        }
        worker = WorkerProcess(settings, self._folder)
        self._every_worker.append(worker)
        return worker

    def _end_workers(self) -> None:
        for worker in self._every_worker:
            worker.end()

    def _sample(self) -> None:
        """Once a second: memory of the workers, and transactions that nobody works on."""
        connection = None
        while not self._over.wait(1):
            for worker in list(self._workers):
                with contextlib.suppress(psutil.Error):
                    self._observed.memory[str(worker.pid)].append(psutil.Process(worker.pid).memory_info().rss)
            try:
                if connection is None:
                    connection = self._connect()
                idle = neglected(connection, [worker.pid for worker in list(self._workers)])
            except psycopg2.Error:
                connection = None
                continue
            if not self._suspended.is_set():  # who is suspended in a transaction can't end it
                self._observed.samples += 1
                self._observed.idle_in_transaction += idle
        if connection is not None:
            connection.close()

    def _wait_for_the_last(self) -> None:
        end = time.monotonic() + _LAST_COURSES
        while any(self._owed().values()):
            if time.monotonic() > end:
                self._observed.unended = True
                self._say(f"gave up waiting: {self._owed()}")
                return
            self._look_after_workers()
            time.sleep(1)

    def _owed(self) -> dict[str, int]:
        """What is not at its end yet."""
        with self._connected() as cursor:
            cursor.execute(
                """
                SELECT (SELECT count(*) FROM generation_queue),
                       (SELECT count(*) FROM outbox WHERE published_at IS NULL),
                       (SELECT count(*) FROM courses WHERE status = 'READY' AND mirrored_at IS NULL)
                """
            )
            queued, unpublished, unmirrored = cursor.fetchone()
        queue = self._rabbitmq.control("list_queues", "name", "messages", "--quiet", "--no-table-headers")
        requests = next(
            int(line.split()[1]) for line in queue.splitlines() if line.startswith("course.generation.queue")
        )
        return {
            "requests": requests,
            "courses": queued,
            "messages": unpublished,
            "files": unmirrored,
            "imports": len(self._unimported()),
        }

    def _settle(self, listener: Listener) -> None:
        """Returns when the listener has heard all that the broker has."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            queues = self._rabbitmq.control("list_queues", "name", "messages", "--quiet", "--no-table-headers")
            if all(line.endswith("\t0") for line in queues.splitlines()):
                return
            time.sleep(0.5)

    def _unimported(self) -> list[str]:
        return [path.parent.name for path in (self._folder / "courses" / ".files-only").glob("*/request.json")]

    def _found(self) -> Found:
        with self._connected() as cursor:
            cursor.execute(
                """
                SELECT c.id::text, c.status::text, c.error_code, c.request_id, c.topic, c.total_lessons,
                       ARRAY(SELECT lesson_number FROM lessons WHERE course_id = c.id ORDER BY 1) AS lessons
                FROM courses c
                """
            )
            names = [column.name for column in cursor.description]
            courses = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            cursor.execute(
                """
                SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL),
                       (SELECT count(*) FROM generation_queue),
                       (SELECT count(*) FROM model_calls)
                """
            )
            unpublished, queued, recorded = cursor.fetchone()
            cursor.execute(
                """
                SELECT format('%s %s %s', course_id, purpose, lesson_number) FROM model_calls
                WHERE outcome = 'ok' AND purpose <> 'search'
                GROUP BY course_id, purpose, lesson_number HAVING count(*) > 1
                """
            )
            twice = [row[0] for row in cursor.fetchall()]
        folders = {}
        for path in (self._folder / "courses").glob("*/course.json"):
            course = json.loads(path.read_text(encoding="utf-8"))
            folders[course["metadata"]["course_id"]] = len(course["lessons"])
        stats = self._stats()
        return Found(
            courses=courses,
            unpublished=unpublished,
            queued=queued,
            ok_calls_twice=twice,
            recorded_calls=recorded,
            folders=folders,
            unimported=self._unimported(),
            model_calls=stats["calls"],
            faulted_calls=stats["faulted"],
        )

    @contextlib.contextmanager
    def _services(self) -> Iterator[None]:
        self._say(f"starting PostgreSQL, RabbitMQ and {self._number} workers in {self._folder}")
        try:
            self._postgres.start()
            self._postgres.create_database(_DATABASE)
            upgrade(self._postgres.settings(_DATABASE))
            self._rabbitmq.start()
            yield
        finally:
            self._rabbitmq.stop()
            self._postgres.stop()

    @contextlib.contextmanager
    def _stand_in(self) -> Iterator[None]:
        faults = [f"--fault={kind}={chance}" for kind, chance in _MODEL_FAULTS.items()]
        command = [sys.executable, str(ROOT / "app.py"), "stand-in", "--latency=2", "--jitter=1.5", *faults]
        with subprocess.Popen([*command, f"--seed={self._seed}"], stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                self._model = process.stdout.readline().partition("OPENAI_BASE_URL=")[2].strip()
                yield
            finally:
                process.kill()

    def _stats(self) -> dict[str, Any]:
        with urllib.request.urlopen(self._model.removesuffix("/v1") + "/stats") as response:
            return dict(json.load(response))

    def _calls(self) -> int:
        return int(self._stats()["calls"])

    def _connect(self) -> "psycopg2.extensions.connection":
        settings = self._postgres.settings(_DATABASE)
        connection = psycopg2.connect(
            host=settings.host, port=settings.port, user=settings.user, password=settings.password, dbname=_DATABASE
        )
        connection.autocommit = True
        return connection

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Any]:
        connection = self._connect()
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def _say(self, text: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        _console.print(f"{minutes:02}:{seconds:02}  {text}", markup=False)


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--per-second", type=float, default=1.5, help="requests, on average")
    parser.add_argument("--seed", type=int, default=None, help="of trouble and requests; a new one each time else")
    parser.add_argument("--pause", type=float, nargs=2, default=(5.0, 40.0), help="seconds from trouble to trouble")
    options = parser.parse_args()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    folder = Path(tempfile.mkdtemp(prefix="course-generator-chaos-"))
    folder.chmod(0o711)  # PostgreSQL may run as another user
    _console.print(f"{options.minutes:g} minutes, {options.workers} workers, seed {seed}")
    chaos, kept = Chaos(folder, options.workers, seed, options.per_second, tuple(options.pause)), False
    try:
        with Reaper():
            kept = chaos.run(options.minutes)
    finally:
        if kept:
            remove(folder)
        else:
            chaos.keep_logs()
            _console.print(f"Logs, courses and databases are kept in {folder}", markup=False)
    _console.print("Nothing was lost, nothing was doubled." if kept else "A promise was broken: see FAULT above.")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
