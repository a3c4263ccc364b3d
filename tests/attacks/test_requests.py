"""What somebody who may publish a request can choose."""

import hashlib
import re
from pathlib import Path
from uuid import uuid4

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker

from src.devtools.local_rabbitmq import LocalRabbitMQ
from src.operations.known_schema import ROOT
from tests.conftest import Workers
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import DEAD, EXCHANGE, GENERATE, REQUESTS, STATUS, Upstream
from tests.waiting import eventually

pytestmark = pytest.mark.attack


def memory(pid: int) -> int:
    """The most memory that a process ever had, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def test_forty_bodies_of_sixteen_megabytes_cost_little_memory_and_leave_64_kib_each(
    workers: Workers, upstream: Upstream, psql: Psql, user_id: str
) -> None:
    worker = workers.start()
    upstream.request(user_id, num_lessons=1)
    upstream.result()
    before = memory(worker.pid)
    body = b"[" + b"x" * 16_000_000
    for _ in range(40):
        upstream.publish(body)
    reasons = {received.fields["message"] for received in upstream.results(40)}
    assert reasons == {"body: 16000001 bytes where at most 262144 are accepted"}
    assert memory(worker.pid) - before < 100_000_000
    upstream.wait_until(lambda: upstream.depth(DEAD) == 40, "the bodies are on the dead queue")
    dead = upstream.next(DEAD)
    assert dead.body == body[: 64 * 1024]
    headers = dead.properties.headers or {}
    assert headers["x-body-bytes"] == 16_000_001
    assert headers["x-body-sha256"] == hashlib.sha256(body).hexdigest()
    assert psql.value("SELECT pg_total_relation_size('outbox')") < 20_000_000
    assert worker.stop() == 0


@pytest.mark.parametrize("queue", ["victim.payments", REQUESTS, STATUS, DEAD, "amq.rabbitmq.log"])
def test_the_worker_writes_into_no_queue_that_the_requester_should_not_reach(
    workers: Workers, upstream: Upstream, rabbitmq: LocalRabbitMQ, user_id: str, queue: str
) -> None:
    upstream.declare("victim.payments")
    workers.start(RABBITMQ_REPLY_TO_ALLOW="portal., amq.gen-, course.")
    upstream.publish({"user_id": user_id, "topic": "Cells", "request_id": "r-1"}, reply_to=queue)
    refused = upstream.result()
    assert refused.fields["error_code"] == "invalid_request"
    assert refused.fields["message"].startswith("reply_to: ")
    own = upstream.reply_queue()
    upstream.publish({"user_id": user_id, "topic": "Cells", "num_lessons": 1}, reply_to=own)
    assert upstream.result().fields["status"] == "success"
    assert upstream.next(own).fields["status"] == "success"
    dead = upstream.waiting(DEAD)
    assert [received.properties.type for received in dead] == ["course.rejected"]
    assert upstream.waiting(STATUS) == upstream.waiting(REQUESTS) == upstream.waiting("victim.payments") == []


def test_a_reply_to_is_named_beside_every_other_wrong_field(workers: Workers, upstream: Upstream, user_id: str) -> None:
    workers.start()
    upstream.publish({"user_id": user_id, "topic": "\u200b\u200b\u200b"}, reply_to="amq.direct")
    message = upstream.result().fields["message"]
    assert message.startswith("topic: String should have characters that can be seen; reply_to: ")


def test_a_user_has_no_more_courses_open_than_one_may_have(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
) -> None:
    stand_in.fault("hold", times=None)
    worker = workers.start(MAX_OPEN_COURSES_PER_USER="3")
    for number in range(6):
        upstream.request(user_id, request_id=f"r-{number}")
    other = upstream.request(str(uuid4()))
    refused = upstream.results(3)
    assert {received.fields["request_id"] for received in refused} == {"r-3", "r-4", "r-5"}
    assert {(received.fields["error_code"], received.fields["retryable"]) for received in refused} == {
        ("limit_exceeded", True)
    }
    eventually(
        lambda: psql.value(f"SELECT count(*) FROM courses WHERE request_id = '{other}'") == 1, "the other's is in"
    )
    upstream.request(user_id, request_id="r-0")  # known, so it is no new one
    worker.wait_for("request_repeated")
    assert psql.value(f"SELECT count(*) FROM courses WHERE user_id = '{user_id}'") == 3
    assert upstream.waiting(DEAD) == []
    psql.run("UPDATE courses SET status = 'FAILED' WHERE request_id = 'r-1'")
    upstream.request(user_id, request_id="r-3")
    eventually(lambda: psql.value("SELECT count(*) FROM courses WHERE request_id = 'r-3'") == 1, "now there is room")
    stand_in.release()


def test_a_user_asks_for_no_more_courses_within_a_minute_than_one_may(
    workers: Workers, upstream: Upstream, psql: Psql, user_id: str
) -> None:
    workers.start(MAX_COURSES_PER_USER_PER_MINUTE="2")
    for number in range(4):
        upstream.request(user_id, request_id=f"r-{number}", num_lessons=1)
    ends = {each.fields["request_id"]: each.fields.get("error_code") for each in upstream.results(4)}
    assert ends == {"r-0": None, "r-1": None, "r-2": "limit_exceeded", "r-3": "limit_exceeded"}
    psql.run("UPDATE courses SET created_at = now() - interval '61 s'")
    upstream.request(user_id, request_id="r-2", num_lessons=1)
    assert upstream.result().fields["status"] == "success"


@pytest.mark.parametrize("limit", ["MAX_OPEN_COURSES_PER_USER", "MAX_COURSES_PER_USER_PER_MINUTE"])
def test_courses_that_are_queued_by_sql_beyond_the_limit_fail_with_it(
    workers: Workers, upstream: Upstream, psql: Psql, user_id: str, limit: str
) -> None:
    insert = "INSERT INTO courses (user_id, topic, title, grade_level, total_lessons)"
    psql.run(f"{insert} SELECT '{user_id}', 'Cells', 'Cells', 'Grade 8', 1 FROM generate_series(1, 10)")
    psql.run(f"{insert} VALUES ('{uuid4()}', 'Cells', 'Cells', 'Grade 8', 1)")
    workers.start(**{limit: "4"})
    results = upstream.results(11)
    failed = [each.fields for each in results if each.fields["status"] == "error"]
    assert {each["error_code"] for each in failed} == {"limit_exceeded"}
    assert len(failed) == 6
    assert {each["user_id"] for each in failed} == {user_id}
    # An operator's retry passes when there is room.
    psql.run("UPDATE courses SET created_at = created_at - interval '2 minutes'")
    psql.run("UPDATE courses SET status = 'QUEUED' WHERE id = (SELECT id FROM courses WHERE status = 'FAILED' LIMIT 1)")
    assert upstream.result().fields["status"] == "success"


def test_a_priority_over_the_highest_that_is_allowed_counts_as_that(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
) -> None:
    stand_in.fault("hold", times=None)
    workers.start(MAX_PRIORITY="5")
    upstream.request(user_id, priority=9)
    upstream.publish({"user_id": user_id, "topic": "Cells"}, priority=9)
    upstream.request(user_id, priority=1)
    eventually(lambda: psql.value("SELECT count(*) FROM generation_queue") == 3, "they are accepted")
    assert psql.value("SELECT array_agg(priority ORDER BY priority) FROM generation_queue") == [1, 5, 5]
    stand_in.release()


def test_a_publisher_with_the_rights_that_are_advised_publishes_requests_and_nothing_else(
    upstream: Upstream, rabbitmq: LocalRabbitMQ, vhost: str
) -> None:
    rabbitmq.control("add_user", "portal", "its-own")
    try:
        rabbitmq.control("set_permissions", "-p", vhost, "portal", "", f"^{re.escape(EXCHANGE)}$", "")
        (advice,) = re.findall(
            r"set_topic_permissions -p / portal (\S+) '(\S+)' ''", (ROOT / "SECURITY.md").read_text()
        )
        rabbitmq.control("set_topic_permissions", "-p", vhost, "portal", *advice, "")
        parameters = pika.ConnectionParameters(
            "127.0.0.1", rabbitmq.port, vhost, pika.PlainCredentials("portal", "its-own")
        )
        with pika.BlockingConnection(parameters) as connection:
            allowed, refused = connection.channel(), connection.channel()
            refused.confirm_delivery()
            with pytest.raises(ChannelClosedByBroker, match="ACCESS_REFUSED"):
                refused.basic_publish(EXCHANGE, "course.status", b'{"status": "success"}')
            allowed.confirm_delivery()
            allowed.basic_publish(EXCHANGE, GENERATE, b'{"topic": "Cells"}', mandatory=True)
        assert upstream.depth(STATUS) == 0
        assert upstream.next(REQUESTS).body == b'{"topic": "Cells"}'
    finally:
        rabbitmq.control("delete_user", "portal")
