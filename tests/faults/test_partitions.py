"""What the network does to a worker's connections: silence, resets, slowness. Real servers and processes throughout."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from src.config import DatabaseSettings
from src.devtools.local_postgres import LocalPostgres
from src.devtools.local_rabbitmq import LocalRabbitMQ
from src.services.database.connection import Database
from tests.conftest import Workers
from tests.faults.test_killed_workers import SLOW_HEART, assert_one_result, assert_one_whole_course, take_over, traces
from tests.peers import Peer
from tests.proxy import Proxy
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import STATUS, Upstream
from tests.waiting import PATIENCE, eventually
from tests.worker_process import WorkerProcess

HEARTBEAT = 10
BASIC_ACK = b"\x00\x3c\x00\x50"


@pytest.fixture
def to_broker(rabbitmq: LocalRabbitMQ) -> Iterator[Proxy]:
    with Proxy(rabbitmq.port) as proxy:
        yield proxy


@pytest.fixture
def to_database(postgres: LocalPostgres) -> Iterator[Proxy]:
    with Proxy(postgres.port) as proxy:
        yield proxy


class TestBroker:
    """Fault 17."""

    @pytest.fixture
    def start(self, workers: Workers, to_broker: Proxy) -> Callable[[], WorkerProcess]:
        """Starts a worker that reaches the broker through the proxy, with the shortest heartbeat."""
        return lambda: workers.start(RABBITMQ_PORT=str(to_broker.port), RABBITMQ_HEARTBEAT=str(HEARTBEAT))

    def notices(self, worker: WorkerProcess) -> None:
        """Returns when the worker knows of each of its connections that it is gone."""
        for name in ("consumer", "publisher"):
            worker.wait_for("broker_unavailable", connection=name)

    def assert_each_once(self, upstream: Upstream, psql: Psql, worker: WorkerProcess, *requests: str) -> None:
        """Each request has one course and one result, however often its message came."""
        upstream.wait_until(
            lambda: psql.value("SELECT count(*) FROM courses WHERE status = 'READY'") == len(requests),
            "all are written",
        )
        upstream.wait_until(
            lambda: psql.value("SELECT count(*) FROM outbox WHERE published_at IS NULL") == 0, "all is published"
        )
        upstream.eventually_settled()
        assert worker.stop() == 0
        results = {
            message.properties.message_id: message.fields["request_id"]
            for message in upstream.waiting(STATUS)
            if message.fields["status"] == "success"
        }
        assert sorted(results.values()) == sorted(requests)
        assert psql.value("SELECT count(*) FROM courses") == len(requests)

    def test_silence_is_noticed_and_what_came_meanwhile_is_not_lost(
        self,
        start: Callable[[], WorkerProcess],
        upstream: Upstream,
        psql: Psql,
        stand_in: StandIn,
        to_broker: Proxy,
        user_id: str,
    ) -> None:
        stand_in.fault("hold", purpose="lesson", times=None)
        worker = start()
        before = upstream.request(user_id, num_lessons=1)
        stand_in.wait_until_held()
        to_broker.cut()
        meanwhile = upstream.request(user_id, num_lessons=1)  # to a subscriber who can't be reached
        self.notices(worker)
        stand_in.release()
        upstream.wait_until(lambda: worker.lines("course_ready"), "it is written without the broker")
        to_broker.heal()
        self.assert_each_once(upstream, psql, worker, before, meanwhile)

    def test_a_stop_signal_does_not_wait_for_a_broker_that_is_silent(self, workers: Workers, to_broker: Proxy) -> None:
        worker = workers.start(RABBITMQ_PORT=str(to_broker.port))
        for connection in ("consumer", "publisher"):
            worker.wait_for("broker_connected", connection=connection)
        to_broker.cut()
        assert worker.stop() == 0
        worker.wait_for("worker_stopped")

    def test_a_reset_in_mid_course_loses_nothing(
        self,
        start: Callable[[], WorkerProcess],
        upstream: Upstream,
        psql: Psql,
        stand_in: StandIn,
        to_broker: Proxy,
        user_id: str,
    ) -> None:
        stand_in.fault("hold", purpose="lesson", times=None)
        worker = start()
        request = upstream.request(user_id, num_lessons=1)
        stand_in.wait_until_held()
        to_broker.reset()
        self.notices(worker)
        stand_in.release()
        self.assert_each_once(upstream, psql, worker, request)

    @pytest.mark.parametrize(
        "number",
        [
            pytest.param(100, id="greeting", marks=pytest.mark.long),
            pytest.param(700, id="declarations", marks=pytest.mark.long),
            pytest.param(1000, id="delivery"),
        ],
    )
    def test_a_connection_that_ends_in_the_middle_of_a_frame_is_made_again(
        self,
        start: Callable[[], WorkerProcess],
        upstream: Upstream,
        psql: Psql,
        to_broker: Proxy,
        user_id: str,
        number: int,
    ) -> None:
        request = upstream.request(user_id, num_lessons=1, grade_level="G" * 100)
        to_broker.reset_after(number)
        worker = start()
        worker.wait_for("broker_unavailable", connection="consumer")
        assert psql.value("SELECT count(*) FROM courses") == 0
        to_broker.heal()
        self.assert_each_once(upstream, psql, worker, request)

    @pytest.mark.parametrize(
        ("size", "pause"),
        [pytest.param(1, 0.0, id="sliced"), pytest.param(64, 0.02, id="slow", marks=pytest.mark.long)],
    )
    def test_a_line_that_is_slow_is_no_line_that_is_cut(
        self,
        start: Callable[[], WorkerProcess],
        upstream: Upstream,
        psql: Psql,
        to_broker: Proxy,
        user_id: str,
        size: int,
        pause: float,
    ) -> None:
        to_broker.trickle(size, pause)
        worker = start()
        requests = [upstream.request(user_id, num_lessons=1) for _ in range(3)]
        self.assert_each_once(upstream, psql, worker, *requests)
        assert worker.lines("broker_unavailable") == []

    @pytest.mark.parametrize(
        ("mark", "answered"),
        [
            pytest.param(BASIC_ACK, False, id="acknowledgement", marks=pytest.mark.long),
            pytest.param(b"course.success", False, id="result", marks=pytest.mark.long),
            pytest.param(b"course.success", True, id="confirm"),
        ],
    )
    def test_what_was_on_its_way_when_the_line_broke_is_sent_again(
        self,
        start: Callable[[], WorkerProcess],
        upstream: Upstream,
        psql: Psql,
        to_broker: Proxy,
        user_id: str,
        mark: bytes,
        answered: bool,
    ) -> None:
        to_broker.reset_at(mark, answered=answered)
        worker = start()
        request = upstream.request(user_id, num_lessons=1)
        assert to_broker.sprung.wait(PATIENCE)
        self.assert_each_once(upstream, psql, worker, request)


class TestDatabase:
    """Fault 18."""

    @pytest.mark.parametrize("asked", [False, True], ids=["nothing is on its way", "a statement is on its way"])
    def test_silence_is_noticed(
        self, database_settings: DatabaseSettings, psql: Psql, to_database: Proxy, asked: bool
    ) -> None:
        """Where everything was acknowledged only the kernel's own probes can tell."""
        database = Database(database_settings.model_copy(update={"port": to_database.port}))
        database.run_blocking(lambda connection: connection.execute(text("SELECT")))
        if asked:
            to_database.cut()
        with ThreadPoolExecutor(1) as thread:
            answer = thread.submit(
                database.run_blocking, lambda connection: connection.execute(text("SELECT pg_sleep(60)")), 0
            )
            if not asked:
                sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
                eventually(lambda: psql.value(sleeping) == 1, "the statement has arrived")
                to_database.cut()
            try:
                with pytest.raises(OperationalError):
                    answer.result(PATIENCE)
            finally:
                to_database.heal()
                to_database.reset()
        database.dispose()

    @pytest.mark.parametrize(
        "settings",
        [
            pytest.param({}, id="told by its heart", marks=pytest.mark.long),
            pytest.param(SLOW_HEART, id="told by the fence"),
        ],
    )
    def test_a_worker_that_was_cut_off_for_longer_than_its_lease_writes_nothing(
        self,
        workers: Workers,
        upstream: Upstream,
        psql: Psql,
        stand_in: StandIn,
        to_database: Proxy,
        user_id: str,
        tmp_path: Path,
        settings: dict[str, str],
    ) -> None:
        stand_in.fault("hold", lesson=1)
        lost = workers.start(DB_PORT=str(to_database.port), **settings)
        upstream.request(user_id, num_lessons=1)
        stand_in.wait_until_held()
        upstream.wait_until(
            lambda: psql.value("SELECT count(*) FROM outbox WHERE published_at IS NULL") == 0, "processing"
        )
        to_database.cut()
        if settings != SLOW_HEART:
            lost.wait_for("lease_unproven")

        heir = workers.start()
        take_over(upstream, psql, heir, lost)
        assert upstream.result().fields["status"] == "success"
        assert heir.stop() == 0
        assert_one_whole_course(psql, 1)
        assert psql.value("SELECT attempts FROM courses") == 2
        before = traces(psql, tmp_path)

        stand_in.release()
        to_database.heal()
        told = lost.wait_for("lease_lost")["event"]
        assert told == (
            "the lease is lost; nothing was written"
            if settings == SLOW_HEART
            else "the lease is lost; the course is left alone"
        )
        assert lost.stop() == 0
        assert traces(psql, tmp_path) == before
        assert upstream.waiting(STATUS) == []

    def test_the_first_one_back_takes_no_course_from_the_living(
        self,
        workers: Workers,
        upstream: Upstream,
        psql: Psql,
        postgres: LocalPostgres,
        stand_in: StandIn,
        to_database: Proxy,
        peer: Callable[..., Peer],
        queue_course: Callable[..., str],
        user_id: str,
    ) -> None:
        """After an outage that all were in."""
        left_behind = queue_course(lessons=1)
        dead = peer(lease=1000.0)
        dead.claim_one()
        stand_in.fault("hold", purpose="lesson", times=None)
        with Proxy(postgres.port) as other_line:
            living = workers.start(DB_PORT=str(to_database.port), WORKER_LEASE="60")
            upstream.request(user_id, num_lessons=1)
            stand_in.wait_until_held()
            first_back = workers.start(DB_PORT=str(other_line.port), WORKER_LEASE="3")
            for line in (to_database, other_line):
                line.cut()
            first_back.wait_for("lease_unproven")
            psql.run(
                "UPDATE workers SET last_seen_at = now() - interval '1 hour', unbroken_since = now() - interval '2 h',"
                f" lease = CASE id WHEN '{dead.id}' THEN interval '1 s' ELSE lease END"
            )
            other_line.heal()
            # It judges again, and by now it may judge the dead one: that one's lease is short.
            first_back.wait_for("course_rescued", course_id=left_behind)
            to_database.heal()
            stand_in.release()
            assert [result.fields["status"] for result in upstream.results(2)] == ["success"] * 2
            assert living.stop() == 0
            assert first_back.stop() == 0
        assert len(first_back.lines("course_rescued")) == 1
        assert psql.row(f"SELECT attempts, status FROM courses WHERE user_id = '{user_id}'") == {
            "attempts": 1,
            "status": "READY",
        }


@pytest.mark.parametrize("answered", [False, True], ids=["before the server sees it", "before the worker hears of it"])
def test_a_connection_that_breaks_during_the_commit_of_ready_makes_one_course_and_one_result(
    workers: Workers,
    upstream: Upstream,
    psql: Psql,
    stand_in: StandIn,
    to_database: Proxy,
    user_id: str,
    answered: bool,
) -> None:
    """Fault 20."""
    to_database.reset_at(b"SET status = 'READY'", b"COMMIT", answered=answered)
    worker = workers.start(DB_PORT=str(to_database.port))
    upstream.request(user_id, num_lessons=2)
    assert to_database.sprung.wait(PATIENCE)
    assert_one_result(upstream, worker)
    assert_one_whole_course(psql, 2)
    assert psql.value("SELECT attempts FROM courses") == 1
    assert sum(stand_in.calls.values()) == 3
    # It found out that the course is READY, and didn't take its own success for a loss.
    assert worker.lines("lease_lost") == []
    worker.wait_for("course_ready")
