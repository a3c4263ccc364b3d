"""What the broker does to a worker's connections. A real broker throughout."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from src.config import DatabaseSettings
from src.devtools.local_rabbitmq import LocalRabbitMQ
from tests.broker import close_every_connection
from tests.conftest import Workers
from tests.health import Health
from tests.sql import Psql, locked
from tests.stand_in import StandIn
from tests.upstream import DEAD, REQUESTS, STATUS, Upstream
from tests.waiting import eventually


def test_messages_of_a_connection_that_broke_are_left_to_their_next_delivery(
    workers: Workers,
    upstream: Upstream,
    psql: Psql,
    rabbitmq: LocalRabbitMQ,
    vhost: str,
    database_settings: DatabaseSettings,
    user_id: str,
) -> None:
    """Fault 12. Else what waits in the worker would be taken in twice: now, and when it comes again."""
    worker = workers.start()
    with locked("courses", database_settings):  # intake waits for it
        upstream.request(user_id, num_lessons=1)
        for _ in range(3):
            upstream.publish(b"not a request")
        eventually(lambda: upstream.consumers() == 1 and upstream.depth(REQUESTS) == 0, "all are out")
        close_every_connection(rabbitmq, "-p", vhost)
        worker.wait_for("broker_unavailable", connection="consumer")
        eventually(lambda: len(worker.lines("broker_connected")) >= 4, "both connections are back")
    statuses: list[str] = []
    with Upstream(rabbitmq, vhost) as again:
        while "success" not in statuses or statuses.count("error") < 3:
            statuses.append(again.next(STATUS).fields["status"])
        assert worker.stop() == 0
        assert sorted(statuses) == ["error", "error", "error", "processing", "success"]
        assert again.waiting(STATUS) == []
        assert len(again.waiting(DEAD)) == 3
    assert psql.value("SELECT count(*) FROM courses") == 1


def test_a_subscription_that_is_refused_is_an_error_and_no_hot_loop(
    workers: Workers, rabbitmq: LocalRabbitMQ, vhost: str
) -> None:
    """Fault 14."""
    rabbitmq.control("add_user", "declarer", "secret-of-its")
    # May declare and bind, but read from no queue of requests.
    rabbitmq.control("set_permissions", "-p", vhost, "declarer", ".*", ".*", "course.exchange|course.status.queue")
    worker = workers.start(RABBITMQ_USERNAME="declarer", RABBITMQ_PASSWORD="secret-of-its")
    line = worker.wait_for("broker_unavailable", connection="consumer")
    assert "ACCESS_REFUSED" in line["error"] and "course.generation.queue" in line["error"]
    eventually(lambda: len(worker.lines("broker_unavailable")) >= 4, "it tries again")
    waits = [line["retry_in"] for line in worker.lines("broker_unavailable")][:4]
    assert all(low <= wait <= 2 * low for low, wait in zip((0.5, 1, 2, 4), waits, strict=True))
    assert not [line for line in worker.lines("broker_connected") if line["connection"] == "consumer"]
    assert worker.stop() == 0


def test_a_queue_that_is_deleted_is_declared_again_and_subscribed_to(
    workers: Workers, upstream: Upstream, rabbitmq: LocalRabbitMQ, vhost: str, user_id: str
) -> None:
    """Faults 14 and 15: the broker cancels the subscription, without any error."""
    worker = workers.start()
    worker.wait_for("broker_connected", connection="consumer")
    rabbitmq.control("delete_queue", REQUESTS, "-p", vhost)
    line = worker.wait_for("broker_unavailable", connection="consumer")
    assert "cancelled the subscription" in line["error"]
    eventually(
        lambda: [line["connection"] for line in worker.lines("broker_connected")].count("consumer") >= 2,
        "it has subscribed again",
    )
    upstream.request(user_id, num_lessons=1)
    assert upstream.result().fields["status"] == "success"


@pytest.fixture
def short_of_patience(rabbitmq: LocalRabbitMQ) -> Iterator[None]:
    """The broker closes channels of new connections that owe it an acknowledgement for over a second (else 30 min)."""

    def limit(acknowledgement: int, tick: int) -> None:
        for name, milliseconds in (("consumer_timeout", acknowledgement), ("channel_tick_interval", tick)):
            rabbitmq.control("eval", f"application:set_env(rabbit, {name}, {milliseconds}).")

    limit(1000, 200)
    yield
    limit(1_800_000, 60_000)


@pytest.mark.long
def test_an_acknowledgement_that_comes_too_late_costs_a_channel_and_no_course(
    workers: Workers,
    upstream: Upstream,
    psql: Psql,
    stand_in: StandIn,
    short_of_patience: None,
    user_id: str,
    tmp_path: Path,
) -> None:
    """Fault 14: the one time that a message is held is while its course is written with files only."""
    stand_in.fault("hold", purpose="lesson")
    worker = workers.launch(DB_PORT="1", DB_PATIENCE="1")
    worker.wait_for("files_only")
    upstream.request(user_id, num_lessons=1)
    stand_in.wait_until_held()
    line = worker.wait_for("broker_unavailable", connection="consumer")
    assert "PRECONDITION_FAILED" in line["error"] and "timed out" in line["error"]
    eventually(lambda: len(worker.lines("broker_connected")) >= 3, "it has subscribed again")
    stand_in.release()
    results = {upstream.result().properties.message_id}
    upstream.eventually_settled()  # the message that came again was acknowledged too
    assert worker.stop() == 0
    results |= {again.properties.message_id for again in upstream.waiting(STATUS)}
    assert len(results) == 1
    assert stand_in.stats()["calls"] == 2
    assert len(list(tmp_path.glob("courses/*/course.json"))) == 1


@pytest.mark.long
def test_a_broker_that_dies_in_mid_intake_loses_nothing_and_its_old_deliveries_are_not_acknowledged(
    workers: Workers, psql: Psql, database_settings: DatabaseSettings, user_id: str, tmp_path: Path
) -> None:
    """Fault 12: a tag of one channel means another message, or none, on the next."""
    broker = LocalRabbitMQ(tmp_path / "broker")
    broker.start()
    try:
        worker = workers.start(**broker.environment())
        with locked("courses", database_settings):  # intake waits for it
            with Upstream(broker, "/") as upstream:
                ids = [upstream.request(user_id, num_lessons=1, topic=f"Cells {number}") for number in range(3)]
                eventually(lambda: upstream.consumers() == 1 and upstream.depth(REQUESTS) == 0, "all are out")
            broker.stop(signal.SIGKILL)
            worker.wait_for("broker_unavailable", connection="consumer")
        broker.start()

        def subscriptions() -> int:
            return sum(line["connection"] == "consumer" for line in worker.lines("broker_connected"))

        eventually(lambda: subscriptions() >= 2, "it has subscribed again")
        with Upstream(broker, "/") as upstream:
            results: dict[str | None, str] = {}
            while len(results) < 3:
                result = upstream.result()
                results[result.properties.message_id] = result.fields["request_id"]
            upstream.eventually_settled()
            assert worker.stop() == 0
            # A request that came again after its course was ready had its result again, which is the same.
            again = {repeat.properties.message_id: repeat.fields["request_id"] for repeat in upstream.waiting(STATUS)}
    finally:
        broker.stop()
    assert sorted(results.values()) == sorted(ids)
    assert again.items() <= results.items()
    assert psql.value("SELECT count(*) FROM courses") == 3
    assert "PRECONDITION_FAILED" not in str(worker)  # what the broker says to a tag that it doesn't know


def test_a_result_that_reaches_no_queue_is_an_alarm_and_comes_when_one_is_bound(
    workers: Workers, upstream: Upstream, psql: Psql, health: Health, user_id: str
) -> None:
    """Fault 40."""
    worker = workers.start(**health.settings)
    for connection in ("consumer", "publisher"):  # by then it has bound the queue itself
        worker.wait_for("broker_connected", connection=connection)
    upstream.unbind_status()
    request_id = upstream.request(user_id, num_lessons=1)
    upstream.wait_until(lambda: psql.value("SELECT count(mirrored_at) FROM courses") == 1, "it is ready")
    alarm = worker.wait_for("publish_failed")
    assert (alarm["level"], alarm["error"]) == ("error", "no queue is bound to its routing key")
    assert health.gauge('events_total{action="publish_failed",level="error"}') >= 1
    assert psql.value("SELECT count(published_at) FROM outbox") == 0
    upstream.bind_status()
    result = upstream.result().fields
    assert (result["request_id"], result["status"]) == (request_id, "success")


def test_what_a_full_queue_refuses_is_published_when_there_is_room(
    workers: Workers, upstream: Upstream, psql: Psql, user_id: str
) -> None:
    """Fault 41."""
    upstream.limit_status(1)
    worker = workers.start()
    upstream.request(user_id, num_lessons=1)
    refused = worker.wait_for("publish_failed")
    assert refused["error"] == "the broker refused it"
    assert psql.value("SELECT status FROM courses") == "READY"
    assert upstream.next().fields["status"] == "processing"
    assert upstream.next().fields["status"] == "success"
    assert worker.stop() == 0
    assert upstream.waiting(STATUS) == []


def test_while_the_broker_is_out_of_memory_courses_are_made_and_their_results_wait(
    workers: Workers, upstream: Upstream, psql: Psql, rabbitmq: LocalRabbitMQ, user_id: str, health: Health
) -> None:
    """Fault 16: an alarm blocks who publishes, not who consumes."""
    for number in range(3):
        upstream.request(user_id, num_lessons=1, topic=f"Cells {number}")
    rabbitmq.control("set_vm_memory_high_watermark", "0.00001")
    try:
        worker = workers.start(**health.settings)
        eventually(lambda: psql.value("SELECT count(*) FROM courses WHERE status = 'READY'") == 3, "all are written")
        eventually(lambda: health.gauge("messages_waiting") == 6, "it says so")
        eventually(lambda: health.gauge("publishing_seconds") > 0, "it says that it can't publish")
        assert upstream.depth(REQUESTS) == 0
        assert upstream.depth(STATUS) == 0
        assert psql.value("SELECT count(*) FROM outbox WHERE published_at IS NULL") == 6
    finally:
        rabbitmq.control("set_vm_memory_high_watermark", "0.6")
    assert sorted(result.fields["status"] for result in upstream.results(3)) == ["success"] * 3
    assert worker.stop() == 0
    assert upstream.waiting(STATUS) == []


def test_a_broker_that_is_away_keeps_no_course_waiting_and_gets_every_result_in_order(
    workers: Workers,
    psql: Psql,
    stand_in: StandIn,
    user_id: str,
    tmp_path: Path,
    health: Health,
) -> None:
    """Faults 11 and 13."""
    broker = LocalRabbitMQ(tmp_path / "broker")
    broker.start()
    try:
        with Upstream(broker, "/") as upstream:
            stand_in.fault("hold", times=None, purpose="lesson")
            worker = workers.start(**broker.environment(), **health.settings)
            eventually(lambda: health.is_ready, "it is ready")
        # Idle at first.
        broker.stop()
        eventually(lambda: not health.is_ready, "it is not ready")
        broker.start()
        eventually(lambda: health.is_ready, "it is ready again")
        lost = {line["connection"]: line["retry_in"] for line in reversed(worker.lines("broker_unavailable"))}
        assert lost.keys() == {"consumer", "publisher", "replies"}
        assert all(0.5 <= wait <= 1 for wait in lost.values())

        with Upstream(broker, "/") as upstream:
            ids = [upstream.request(user_id, num_lessons=1, topic=f"Cells {number}") for number in range(3)]
            stand_in.wait_until_held(3)
        broker.stop()
        for connection in ("consumer", "publisher"):
            worker.wait_for("broker_unavailable", connection=connection)
        assert not health.is_ready
        stand_in.release()
        eventually(lambda: psql.value("SELECT count(*) FROM courses WHERE status = 'READY'") == 3, "all are written")
        assert psql.value("SELECT count(*) FROM outbox WHERE published_at IS NULL AND type = 'course.success'") == 3
        broker.start()
        eventually(lambda: health.is_ready, "it is ready again")
        with Upstream(broker, "/") as upstream:
            eventually(lambda: psql.value("SELECT count(*) FROM outbox WHERE published_at IS NULL") == 0, "all is sent")
            assert worker.stop() == 0
            arrived = [message.fields for message in upstream.waiting(STATUS)]
    finally:
        broker.stop()
    for request_id in ids:
        assert [fields["status"] for fields in arrived if fields["request_id"] == request_id] == [
            "processing",
            "success",
        ]
