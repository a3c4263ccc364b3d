"""What the broker does to a worker's connections. A real broker throughout."""

import psycopg2

from src.config import DatabaseSettings
from src.operations.local_rabbitmq import LocalRabbitMQ
from tests.conftest import Workers
from tests.sql import Psql
from tests.upstream import DEAD, STATUS, Upstream
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
    operator = psycopg2.connect(
        host=database_settings.host,
        port=database_settings.port,
        user=database_settings.user,
        password=database_settings.password,
        dbname=database_settings.name,
    )
    with operator, operator.cursor() as cursor:  # intake waits for this lock
        cursor.execute("LOCK TABLE courses IN EXCLUSIVE MODE")
        upstream.request(user_id, num_lessons=1)
        for _ in range(3):
            upstream.publish(b"not a request")
        eventually(lambda: upstream.consumers() == 1 and upstream.depth("course.generation.queue") == 0, "all are out")
        rabbitmq.control("close_all_user_connections", "course", "on purpose", "-p", vhost)
        worker.wait_for("broker_unavailable", connection="consumer")
        eventually(lambda: len(worker.lines("broker_connected")) == 4, "both connections are back")
    operator.close()
    statuses: list[str] = []
    with Upstream(rabbitmq.port, rabbitmq.password, vhost) as again:
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
    eventually(lambda: len(worker.lines("broker_unavailable")) == 3, "it tries again")
    assert not [line for line in worker.lines("broker_connected") if line["connection"] == "consumer"]
    assert worker.stop() == 0
