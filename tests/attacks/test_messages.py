"""Messages that can't be published, between those of others."""

from uuid import uuid4

import pytest

from src.devtools.local_rabbitmq import LocalRabbitMQ
from tests.chaos.traffic import POISON
from tests.conftest import Workers
from tests.sql import Psql
from tests.upstream import DEAD, STATUS, Caller, Upstream

pytestmark = pytest.mark.attack

MANY = 300


def test_replies_that_break_the_connection_are_tried_once_and_keep_nobody_waiting(
    workers: Workers, upstream: Upstream, psql: Psql, rabbitmq: LocalRabbitMQ, vhost: str, user_id: str
) -> None:
    caller, queue = Caller(rabbitmq, vhost), upstream.reply_queue()
    for _ in range(MANY):
        upstream.publish(b"x", reply_to=POISON)
    caller.ask(b"y")
    upstream.publish(b"z", reply_to=queue)
    good = upstream.request(user_id, num_lessons=1)
    worker = workers.start(LOG_LEVEL="DEBUG")
    upstream.wait_until(lambda: caller.look() == 1, "the caller is answered")
    assert upstream.next(queue).fields["error_code"] == "invalid_request"
    statuses = upstream.results(MANY + 3)
    assert good in [received.fields["request_id"] for received in statuses]
    upstream.wait_until(lambda: upstream.depth(DEAD) == MANY + 2, "all bodies are on the dead queue")
    upstream.wait_until(
        lambda: psql.value("SELECT count(*) FROM outbox WHERE published_at IS NULL") == 0, "nothing is owed"
    )
    assert psql.value("SELECT max(failures) FROM outbox") == 0
    assert len(worker.lines("reply_dropped")) == MANY  # and the caller's, which was delivered, is not among them
    assert not [line for line in worker.lines("broker_connection_broken") if line["connection"] == "publisher"]
    assert worker.stop() == 0


def test_rows_whose_request_id_no_property_has_room_for_keep_nobody_waiting(
    workers: Workers, upstream: Upstream, psql: Psql, user_id: str
) -> None:
    psql.run(
        "INSERT INTO courses (user_id, topic, title, grade_level, request_id)"
        f" SELECT gen_random_uuid(), 't', 't', 'g', repeat('x', 300) FROM generate_series(1, {MANY})"
    )
    psql.run("UPDATE courses SET status = 'FAILED'")
    good = upstream.request(user_id, num_lessons=1)
    worker = workers.start()
    results = upstream.results(MANY + 1)
    assert good in [received.fields["request_id"] for received in results]
    long = [received for received in results if received.fields["request_id"] == "x" * 300]
    assert [received.properties.correlation_id for received in long] == [None] * MANY
    assert worker.lines("publish_failed") == []
    assert worker.stop() == 0


def test_a_result_too_long_for_a_broker_is_given_up_and_the_runbooks_query_names_it(
    workers: Workers, upstream: Upstream, psql: Psql, user_id: str
) -> None:
    psql.run(f"INSERT INTO courses (user_id, topic, title, grade_level) VALUES ('{uuid4()}', 't', 't', 'g')")
    psql.run("UPDATE courses SET status = 'FAILED', error_message = repeat('x', 20000000)")
    assert psql.value("SELECT length(body) FROM outbox") < 11_000  # whoever waits gets the beginning
    # Nobody but an operator can make one that is too long.
    psql.run("UPDATE outbox SET body = convert_to(repeat('x', 20000000), 'UTF8')")
    worker = workers.start()
    alarm = worker.wait_for("message_dead")
    good = upstream.request(user_id, num_lessons=1)
    assert upstream.result().fields["request_id"] == good
    row = psql.row("SELECT course_id, last_error FROM outbox WHERE dead_at IS NOT NULL")
    assert (row["course_id"], row["last_error"]) == (alarm["course_id"], alarm["error"])
    assert worker.stop() == 0
    assert upstream.waiting(STATUS) == []
