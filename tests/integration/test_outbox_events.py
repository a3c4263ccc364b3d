"""Events in the outbox: put by a slice in its own transaction, published in order per key. A real broker throughout."""

import asyncio
import json
import signal
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
import structlog
from sqlalchemy import Connection
from structlog.typing import EventDict

from src.consumers.result_relay import ResultRelay
from src.devtools.local_rabbitmq import LocalRabbitMQ
from src.services.broker.publisher import Publisher
from src.services.database.connection import Database
from src.services.database.outbox import Outbox, put_event
from tests.conftest import Workers
from tests.health import Health
from tests.integration.test_outbox import connected
from tests.peers import Peer, claim_messages
from tests.sql import Psql, SQLError
from tests.upstream import Upstream
from tests.waiting import eventually


class Slice:
    """Puts events, each in a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def tell(self, order_key: str, what: object, routing_key: str = "learner.progress") -> UUID:
        message_id = uuid4()
        self._database.run_blocking(
            lambda connection: put_event(
                connection,
                routing_key=routing_key,
                order_key=order_key,
                message_id=message_id,
                type=routing_key,
                body=json.dumps({"what": what}).encode(),
            )
        )
        return message_id


@pytest.fixture
def slice_(database: Database) -> Slice:
    return Slice(database)


@pytest.fixture
def outbox(peer: Callable[..., Peer]) -> Outbox:
    return peer().outbox


def claimed(outbox: Outbox) -> list[UUID]:
    return [message.message_id for message in claim_messages(outbox)]


class TestInTheOutbox:
    def test_an_event_is_there_when_its_transaction_is_and_not_otherwise(self, psql: Psql, database: Database) -> None:
        def work(connection: Connection) -> None:
            put_event(
                connection,
                routing_key="learner.progress",
                order_key="k",
                message_id=uuid4(),
                type="learner.progress",
                body=b"{}",
            )
            raise LookupError

        with pytest.raises(LookupError):
            database.run_blocking(work)
        assert psql.value("SELECT count(*) FROM outbox") == 0

    def test_events_of_one_key_wait_for_each_other_whatever_their_routing_keys(
        self, psql: Psql, outbox: Outbox, slice_: Slice
    ) -> None:
        first = slice_.tell("a", 1, "learner.progress")
        second = slice_.tell("a", 2, "learner.completed")
        other = slice_.tell("b", 1)
        assert claimed(outbox) == [first, other]
        assert claimed(outbox) == []
        psql.run(f"UPDATE outbox SET published_at = now() WHERE message_id = '{first}'")
        assert claimed(outbox) == [second]

    def test_one_that_is_put_off_holds_up_its_own_key_alone(self, outbox: Outbox, slice_: Slice) -> None:
        slice_.tell("a", 1)
        slice_.tell("a", 2)
        (stuck,) = claim_messages(outbox)
        asyncio.run(outbox.unpublished(stuck.id, "never", 300))
        other = slice_.tell("b", 1)
        assert claimed(outbox) == [other]

    def test_they_wait_for_no_course_and_no_course_waits_for_them(
        self, psql: Psql, outbox: Outbox, slice_: Slice
    ) -> None:
        """Also where the key is the id of a course."""
        course = uuid4()
        event = slice_.tell(str(course), 1)
        status = psql.run(
            "INSERT INTO outbox (course_id, destination, type, body)"
            f" VALUES ('{course}', 'status', 'course.error', '') RETURNING message_id"
        )
        assert claimed(outbox) == [event, UUID(status.strip())]

    def test_a_published_one_is_pruned_like_other_messages(self, psql: Psql, outbox: Outbox, slice_: Slice) -> None:
        slice_.tell("a", 1)
        waiting = slice_.tell("a", 2)
        psql.run(f"UPDATE outbox SET published_at = '2020-01-01' WHERE message_id <> '{waiting}'")
        asyncio.run(outbox.prune(3600))
        assert psql.rows("SELECT message_id FROM outbox") == [{"message_id": str(waiting)}]

    @pytest.mark.parametrize(
        ("destination", "routing_key", "order_key"),
        [
            ("event", "learner.progress", None),
            ("event", None, "k"),
            ("status", None, "k"),
            ("status", "course.status", None),
            ("reply", "q", "k"),
            ("reply", None, None),
            ("elsewhere", None, None),
        ],
    )
    def test_the_database_refuses_what_no_relay_could_publish(
        self, psql: Psql, destination: str, routing_key: str | None, order_key: str | None
    ) -> None:
        keys = ", ".join("NULL" if key is None else f"'{key}'" for key in (routing_key, order_key))
        with pytest.raises(SQLError, match="violates check constraint"):
            psql.run(
                "INSERT INTO outbox (destination, routing_key, order_key, type, body)"
                f" VALUES ('{destination}', {keys}, 't', '')"
            )


@pytest.fixture
def relayed(
    database: Database, rabbitmq: LocalRabbitMQ, vhost: str, upstream: Upstream
) -> Callable[[], list[EventDict]]:
    """Runs a relay for one turn; returns what it has logged."""
    config = rabbitmq.settings().model_copy(update={"vhost": vhost})

    async def turn() -> None:
        async with connected(config, Publisher) as publisher:
            await ResultRelay(Peer(database).outbox, publisher, config, interval=60, lease=30).turn()

    def run() -> list[EventDict]:
        with structlog.testing.capture_logs() as logged:
            asyncio.run(turn())
        return logged

    return run


class TestPublished:
    def test_to_the_exchange_with_its_own_routing_key_and_as_safe_as_a_result(
        self, relayed: Callable[[], object], upstream: Upstream, slice_: Slice
    ) -> None:
        queue = upstream.queue_of("learner.progress")
        message_id = slice_.tell("a", "half")
        relayed()
        received = upstream.next(queue)
        assert (received.fields, received.routing_key) == ({"what": "half"}, "learner.progress")
        properties = received.properties
        assert (properties.message_id, properties.type) == (str(message_id), "learner.progress")
        assert (properties.content_type, properties.delivery_mode) == ("application/json", 2)

    def test_in_order_per_key(self, relayed: Callable[[], object], upstream: Upstream, slice_: Slice) -> None:
        queue = upstream.queue_of("learner.*")
        for number in range(4):
            for key in "abc":
                slice_.tell(key, [key, number], f"learner.{number % 2}")
        relayed()
        arrived = [received.fields["what"] for received in upstream.waiting(queue)]
        assert len(arrived) == 12
        for key in "abc":
            assert [number for each, number in arrived if each == key] == [0, 1, 2, 3]

    def test_one_that_is_refused_holds_up_those_of_its_key_and_no_others(
        self, psql: Psql, relayed: Callable[[], object], upstream: Upstream, slice_: Slice
    ) -> None:
        """Fault 41."""
        narrow, wide = upstream.queue_of("learner.narrow", most=1), upstream.queue_of("learner.wide")
        slice_.tell("filler", 0, "learner.narrow")
        relayed()
        slice_.tell("a", 1, "learner.narrow")
        slice_.tell("a", 2, "learner.wide")
        slice_.tell("b", 3, "learner.wide")
        relayed()
        assert [received.fields["what"] for received in upstream.waiting(wide)] == [3]
        assert upstream.next(narrow).fields["what"] == 0  # there is room now
        psql.run("UPDATE outbox SET publish_after = now()")
        relayed()
        assert upstream.next(narrow).fields["what"] == 1
        assert upstream.next(wide).fields["what"] == 2
        assert psql.value("SELECT count(*) FROM outbox WHERE published_at IS NULL") == 0

    def test_one_that_no_queue_takes_counts_as_published(
        self, psql: Psql, relayed: Callable[[], list[EventDict]], slice_: Slice
    ) -> None:
        slice_.tell("a", 1)
        slice_.tell("a", 2)
        unrouted = [line for line in relayed() if line.get("action") == "event_unrouted"]
        assert [line["routing_key"] for line in unrouted] == ["learner.progress"] * 2
        assert (
            psql.rows("SELECT published_at IS NOT NULL AS done, failures FROM outbox")
            == [{"done": True, "failures": 0}] * 2
        )


class TestByAWorker:
    def test_the_metrics_count_those_that_no_queue_takes(
        self, workers: Workers, psql: Psql, health: Health, slice_: Slice
    ) -> None:
        for number in range(3):
            slice_.tell("a", number)
        worker = workers.start(**health.settings)
        unpublished = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
        eventually(lambda: psql.value(unpublished) == 0, "all are marked")
        assert health.gauge('events_total{action="event_unrouted",level="debug"}') == 3
        assert worker.stop() == 0

    def test_one_that_was_published_by_a_relay_which_was_killed_is_sent_again_with_the_same_id(
        self, workers: Workers, upstream: Upstream, psql: Psql, slice_: Slice
    ) -> None:
        """Fault 42."""
        queue = upstream.queue_of("learner.progress")
        first_of_key = slice_.tell("a", 1)
        first = workers.launch(CRASH_AT="published")
        assert first.wait() == -signal.SIGKILL
        slice_.tell("a", 2)
        assert upstream.next(queue).properties.message_id == str(first_of_key)
        assert psql.value("SELECT count(*) FROM outbox WHERE published_at IS NOT NULL") == 0
        workers.start_heir(psql, of=first)
        again = upstream.next(queue)
        assert (again.fields["what"], again.properties.message_id) == (1, str(first_of_key))
        assert upstream.next(queue).fields["what"] == 2


@pytest.mark.parametrize("field", ["routing_key", "type", "correlation_id"])
def test_what_amqp_has_no_room_for_is_refused_before_it_holds_up_others(database: Database, field: str) -> None:
    given = {"routing_key": "a", "type": "t", "correlation_id": None, field: "é" * 128}

    def put(connection: Connection) -> None:
        put_event(connection, order_key="k", message_id=uuid4(), body=b"{}", **given)  # type: ignore[arg-type]

    with pytest.raises(ValueError, match=f"{field}: 256 bytes, where at most 255 are allowed"):
        asyncio.run(database.run(put))
