"""The outbox and its relay, with a real broker behind them."""

import asyncio
import json
import math
import resource
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar
from uuid import uuid4

import pytest
import structlog

from src.config import RabbitMQSettings
from src.consumers.result_relay import ResultRelay
from src.devtools.local_rabbitmq import LocalRabbitMQ
from src.services.broker.connection import connection_parameters
from src.services.broker.publisher import Publication, Publisher, PublishResult
from src.services.broker.replies import ReplyPublisher
from src.services.database.connection import Database
from src.services.database.outbox import Outbox
from tests.peers import Peer, claim_messages
from tests.sql import Psql
from tests.upstream import DEAD, STATUS, Upstream
from tests.waiting import PATIENCE, eventually

P = TypeVar("P", bound=Publisher | ReplyPublisher)


def put(psql: Psql, body: str = "{}", **columns: object) -> int:
    values: dict[str, object] = {"destination": "status", "type": "course.error", **columns}
    names = ", ".join(values)
    literals = ", ".join("NULL" if value is None else f"'{value}'" for value in values.values())
    statement = f"INSERT INTO outbox (body, {names}) VALUES (convert_to('{body}', 'UTF8'), {literals}) RETURNING id"
    return int(psql.run(statement))


@pytest.fixture
def outbox(peer: Callable[..., Peer]) -> Outbox:
    return peer().outbox


class TestClaim:
    def test_one_courses_messages_keep_their_order(self, psql: Psql, outbox: Outbox) -> None:
        course, other = uuid4(), uuid4()
        first, second = put(psql, course_id=course), put(psql, course_id=course)
        third = put(psql, course_id=other)
        assert [message.id for message in claim_messages(outbox)] == [first, third]
        assert claim_messages(outbox) == []
        asyncio.run(outbox.published([first, third]))
        assert [message.id for message in claim_messages(outbox)] == [second]

    def test_a_reply_does_not_wait_for_the_status_queue_nor_for_another_reply(self, psql: Psql, outbox: Outbox) -> None:
        course = uuid4()
        ids = [put(psql, course_id=course)]
        ids += [put(psql, course_id=course, destination="reply", routing_key=name) for name in ("a", "b")]
        assert [message.id for message in claim_messages(outbox)] == ids

    def test_one_that_can_not_be_published_holds_up_no_other_course(self, psql: Psql, outbox: Outbox) -> None:
        bad, good = uuid4(), uuid4()
        stuck = put(psql, course_id=bad)
        put(psql, course_id=bad)
        claim_messages(outbox)
        asyncio.run(outbox.unpublished(stuck, "never", 300))
        fine = put(psql, course_id=good)
        assert [message.id for message in claim_messages(outbox)] == [fine]
        assert psql.row(f"SELECT failures, last_error FROM outbox WHERE id = {stuck}") == {
            "failures": 1,
            "last_error": "never",
        }

    def test_one_whose_failures_somebody_has_set_to_the_utmost_is_put_off_as_well(
        self, psql: Psql, outbox: Outbox
    ) -> None:
        stuck = put(psql, failures=2**31 - 1)
        claim_messages(outbox)
        asyncio.run(outbox.unpublished(stuck, "never", 300))
        assert psql.value(f"SELECT last_error FROM outbox WHERE id = {stuck}") == "never"

    def test_a_held_message_waits_and_those_after_it_too(self, psql: Psql, outbox: Outbox) -> None:
        course = uuid4()
        held = put(psql, course_id=course, publish_after=str(datetime.now(UTC) + timedelta(minutes=5)))
        put(psql, course_id=course)
        assert claim_messages(outbox) == []
        psql.run("UPDATE outbox SET publish_after = now()")
        assert [message.id for message in claim_messages(outbox)] == [held]

    def test_what_another_relay_has_is_left_until_its_time_is_over(self, psql: Psql, outbox: Outbox) -> None:
        message_id = put(psql)
        assert len(claim_messages(outbox)) == 1
        assert claim_messages(outbox) == []
        psql.run("UPDATE outbox SET claimed_until = now() - interval '1 s'")
        assert [message.id for message in claim_messages(outbox)] == [message_id]
        asyncio.run(outbox.unclaim([message_id]))
        assert len(claim_messages(outbox)) == 1

    def test_what_a_killed_relay_had_is_free_as_soon_as_its_worker_counts_as_gone(
        self, psql: Psql, peer: Callable[..., Peer]
    ) -> None:
        killed, heir = peer(), peer()
        message_id = put(psql)
        assert len(claim_messages(killed.outbox)) == 1
        assert claim_messages(heir.outbox) == []
        psql.run(f"UPDATE workers SET last_seen_at = now() - lease WHERE id = '{killed.id}'")
        assert [message.id for message in claim_messages(heir.outbox)] == [message_id]
        assert claim_messages(killed.outbox) == []

    def test_messages_of_refused_requests_wait_for_nobody(self, psql: Psql, outbox: Outbox) -> None:
        ids = [put(psql), put(psql), put(psql, destination="dead")]
        assert [message.id for message in claim_messages(outbox)] == ids


def test_results_stay_with_their_course_and_the_rest_is_pruned(psql: Psql, outbox: Outbox) -> None:
    old = "2020-01-01"
    kept = {put(psql, course_id=uuid4(), published_at=old), put(psql), put(psql, published_at="2999-01-01")}
    put(psql, published_at=old)
    put(psql, course_id=uuid4(), type="course.processing", published_at=old)
    put(psql, course_id=uuid4(), destination="reply", routing_key="q", published_at=old)
    put(psql, destination="dead", published_at=old)
    asyncio.run(outbox.prune(3600))
    assert {row["id"] for row in psql.rows("SELECT id FROM outbox")} == kept


@pytest.fixture
def relayed(database: Database, rabbitmq: LocalRabbitMQ, vhost: str, upstream: Upstream) -> Callable[..., None]:
    """Runs a relay for one turn, or one turn after each of `steps`."""
    config = rabbitmq.settings().model_copy(update={"vhost": vhost})

    def run(*steps: Callable[[], object]) -> None:
        asyncio.run(_relay(database, config, steps or (lambda: None,)))

    return run


async def _relay(database: Database, config: RabbitMQSettings, steps: Sequence[Callable[[], object]]) -> None:
    async with connected(config, Publisher) as publisher, connected(config, ReplyPublisher) as replies:
        outbox = Peer(database).outbox
        relay = ResultRelay(outbox, publisher, config, interval=60, lease=30)
        reply_relay = ResultRelay(outbox, replies, config, interval=60, lease=30, replies=True)
        for step in steps:
            step()
            await relay.turn()
            await reply_relay.turn()


class TestRelay:
    def test_a_status_message_as_the_contract_has_it(
        self, psql: Psql, relayed: Callable[..., None], upstream: Upstream
    ) -> None:
        message_id = uuid4()
        put(psql, '{"a": 1}', course_id=uuid4(), message_id=message_id, correlation_id="r-1", type="course.success")
        relayed()
        received = upstream.next(STATUS)
        properties = received.properties
        assert received.fields == {"a": 1}
        assert received.routing_key == "course.status"
        assert (properties.message_id, properties.correlation_id) == (str(message_id), "r-1")
        assert (properties.type, properties.content_type) == ("course.success", "application/json")
        assert properties.delivery_mode == 2
        assert psql.value("SELECT published_at IS NOT NULL FROM outbox") is True

    def test_a_courses_messages_arrive_in_order(
        self, psql: Psql, relayed: Callable[..., None], upstream: Upstream
    ) -> None:
        courses = [uuid4() for _ in range(3)]
        for number in range(4):
            for course in courses:
                put(psql, json.dumps({"course": str(course), "number": number}), course_id=course)
        relayed()
        arrived = [received.fields for received in upstream.waiting(STATUS)]
        assert len(arrived) == 12
        for course in courses:
            assert [fields["number"] for fields in arrived if fields["course"] == str(course)] == [0, 1, 2, 3]

    def test_a_dead_letter_has_the_body_as_it_came_and_the_reason(
        self, psql: Psql, relayed: Callable[..., None], upstream: Upstream
    ) -> None:
        put(psql, "not json", destination="dead", type="course.rejected", headers='{"x-error-code": "invalid_request"}')
        relayed()
        received = upstream.next(DEAD)
        assert received.body == b"not json"
        assert received.properties.headers == {"x-error-code": "invalid_request"}

    def test_a_reply_goes_to_the_queue_that_was_named(
        self, psql: Psql, relayed: Callable[..., None], upstream: Upstream
    ) -> None:
        queue = upstream.reply_queue()
        put(psql, destination="reply", routing_key=queue, correlation_id="mine")
        relayed()
        assert upstream.next(queue).properties.correlation_id == "mine"

    def test_a_reply_that_nobody_waits_for_is_dropped(self, psql: Psql, relayed: Callable[..., None]) -> None:
        put(psql, destination="reply", routing_key="gone")
        relayed()
        assert psql.row("SELECT published_at IS NOT NULL AS done, failures FROM outbox") == {
            "done": True,
            "failures": 0,
        }

    def test_a_result_that_can_not_be_routed_is_kept_and_published_later(
        self, psql: Psql, relayed: Callable[..., None], upstream: Upstream
    ) -> None:
        def unbound() -> None:  # by now the publisher has declared and bound the queue itself
            upstream.unbind_status()
            put(psql, course_id=uuid4())

        def bound_again() -> None:
            row = psql.row("SELECT published_at, failures, last_error, publish_after > created_at AS later FROM outbox")
            assert row.pop("failures") >= 1
            assert row == {"published_at": None, "last_error": "no queue is bound to its routing key", "later": True}
            upstream.bind_status()
            psql.run("UPDATE outbox SET publish_after = now()")

        relayed(unbound, bound_again)
        assert psql.value("SELECT published_at IS NOT NULL FROM outbox") is True
        assert len(upstream.waiting(STATUS)) == 1


@asynccontextmanager
async def connected(config: RabbitMQSettings, kind: Callable[..., P], **given: float) -> AsyncIterator[P]:
    """A publisher that has its connection."""
    ready = asyncio.Event()
    publisher = kind(config, partial(asyncio.get_running_loop().call_soon_threadsafe, ready.set), **given)
    publisher.start()
    async with asyncio.timeout(PATIENCE):
        await ready.wait()
    yield publisher
    await asyncio.to_thread(publisher.stop)


@contextmanager
def bodies_at_most(rabbitmq: LocalRabbitMQ, size: int) -> Iterator[None]:
    """The broker breaks a channel over a longer message, as RabbitMQ 4 does over 16 MiB."""

    def limit(most: int) -> None:
        rabbitmq.control("eval", f"application:set_env(rabbit, max_message_size, {most}).")

    limit(size)
    try:
        yield
    finally:
        limit(134_217_728)


def test_messages_that_break_their_connection_each_time_hold_up_no_others_and_are_given_up(
    psql: Psql, peer: Callable[..., Peer], rabbitmq: LocalRabbitMQ, vhost: str, upstream: Upstream
) -> None:
    """Fault 44."""
    poison = [put(psql, "x" * 2000, course_id=uuid4()) for _ in range(10)]
    for _ in range(3):
        put(psql, course_id=uuid4())
    config = rabbitmq.settings().model_copy(update={"vhost": vhost})
    ids = ", ".join(map(str, poison))
    others = f"SELECT count(*) FROM outbox WHERE id NOT IN ({ids}) AND published_at IS NULL"

    def all_have_failed() -> bool:
        psql.run(f"UPDATE outbox SET publish_after = now() WHERE id IN ({ids}) AND dead_at IS NULL")
        return bool(psql.value("SELECT count(*) = 10 FROM outbox WHERE dead_at IS NOT NULL"))

    async def relay() -> None:
        async with connected(config, Publisher) as publisher:
            duty = ResultRelay(peer().outbox, publisher, config, interval=0.1, lease=30)
            await duty.start()
            await asyncio.to_thread(eventually, lambda: psql.value(others) == 0, "the others are published")
            tried = f"SELECT min(failures) > 0 FROM outbox WHERE id IN ({ids})"
            await asyncio.to_thread(eventually, lambda: psql.value(tried), "each of the bad ones was tried")
            assert psql.value("SELECT count(*) FROM outbox WHERE dead_at IS NOT NULL") == 0
            psql.run(f"UPDATE outbox SET failures = 18 WHERE id IN ({ids})")
            await asyncio.to_thread(eventually, all_have_failed, "they are given up")
            await duty.stop()

    with bodies_at_most(rabbitmq, 1000), structlog.testing.capture_logs() as logged:
        asyncio.run(relay())
    row = psql.row(f"SELECT DISTINCT published_at, claimed_until, failures, last_error FROM outbox WHERE id IN ({ids})")
    assert row == {
        "published_at": None,
        "claimed_until": None,
        "failures": 20,
        "last_error": "the connection broke over it",
    }
    assert len([line for line in logged if line.get("action") == "message_dead"]) == 10
    assert len(upstream.waiting(STATUS)) == 3


@pytest.mark.parametrize(
    "columns",
    [
        {"type": "x" * 300},
        {"headers": json.dumps({"x" * 300: 1})},
        {"destination": "event", "routing_key": "x" * 300, "order_key": "k"},
    ],
    ids=["type", "header", "routing key"],
)
def test_what_can_be_seen_to_be_unsendable_is_given_up_at_once_and_breaks_nothing(
    psql: Psql, relayed: Callable[..., None], upstream: Upstream, columns: dict[str, str]
) -> None:
    bad = put(psql, **{"course_id": uuid4(), **columns})  # type: ignore[arg-type]
    put(psql, course_id=uuid4())
    with structlog.testing.capture_logs() as logged:
        relayed()
    assert len(upstream.waiting(STATUS)) == 1
    assert psql.row(f"SELECT dead_at IS NOT NULL AS dead, published_at, failures FROM outbox WHERE id = {bad}") == {
        "dead": True,
        "published_at": None,
        "failures": 1,
    }
    assert [line["action"] for line in logged if line["log_level"] in ("warning", "error")] == ["message_dead"]


def test_headers_that_no_frame_has_room_for_are_given_up_at_once_and_break_nothing(
    psql: Psql, relayed: Callable[..., None], upstream: Upstream
) -> None:
    bad = put(psql, course_id=uuid4())
    put(psql, course_id=uuid4())
    psql.run(f"UPDATE outbox SET headers = json_build_object('x', repeat('x', 133120)) WHERE id = {bad}")
    relayed()
    assert len(upstream.waiting(STATUS)) == 1
    assert psql.value(f"SELECT dead_at IS NOT NULL FROM outbox WHERE id = {bad}") is True


def test_a_body_that_no_broker_should_take_is_given_up_and_never_fetched(
    psql: Psql, relayed: Callable[..., None], upstream: Upstream
) -> None:
    put(psql, course_id=uuid4())
    psql.run("UPDATE outbox SET body = convert_to(repeat('x', 200000000), 'UTF8')")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    relayed()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB
    assert upstream.waiting(STATUS) == []
    assert psql.value("SELECT dead_at IS NOT NULL FROM outbox") is True


def test_a_correlation_id_that_amqp_has_no_room_for_is_left_out(
    psql: Psql, relayed: Callable[..., None], upstream: Upstream
) -> None:
    put(psql, '{"request_id": "long"}', course_id=uuid4(), correlation_id="é" * 128)
    relayed()
    received = upstream.next(STATUS)
    assert (received.fields, received.properties.correlation_id) == ({"request_id": "long"}, None)


def test_one_that_was_given_up_holds_up_no_later_one_of_its_course_and_is_sent_when_it_is_wanted_again(
    psql: Psql, outbox: Outbox
) -> None:
    course = uuid4()
    dead, later = put(psql, course_id=course, dead_at="2020-01-01", failures=20), put(psql, course_id=course)
    assert [message.id for message in claim_messages(outbox)] == [later]
    asyncio.run(outbox.published([later]))
    psql.run(f"UPDATE outbox SET dead_at = NULL WHERE id = {dead}")
    assert [message.id for message in claim_messages(outbox)] == [dead]


def test_a_repeated_request_for_a_result_that_was_given_up_tries_it_again(psql: Psql, outbox: Outbox) -> None:
    course_id = psql.run(
        "INSERT INTO courses (user_id, topic, title, grade_level, total_lessons, status)"
        f" VALUES ('{uuid4()}', 'Cells', 'Cells', 'Grade 8', 1, 'FAILED') RETURNING id"
    ).strip()
    psql.run("UPDATE outbox SET dead_at = now(), failures = 20")
    assert claim_messages(outbox) == []
    assert psql.value(f"SELECT repeat_result('{course_id}')") is True
    (again,) = claim_messages(outbox)
    assert again.failures == 0


def test_the_longest_due_goes_first(psql: Psql, outbox: Outbox) -> None:
    now = datetime.now(UTC)
    later = put(psql, course_id=uuid4(), publish_after=str(now - timedelta(minutes=1)))
    sooner = put(psql, course_id=uuid4(), publish_after=str(now - timedelta(minutes=5)))
    assert [message.id for message in claim_messages(outbox, limit=1)] == [sooner]
    assert [message.id for message in claim_messages(outbox, limit=1)] == [later]


def test_what_a_relay_could_not_publish_in_its_time_is_left_to_others(
    psql: Psql, peer: Callable[..., Peer], rabbitmq: LocalRabbitMQ, vhost: str, upstream: Upstream
) -> None:
    """Fault 7: a relay that was suspended, when it goes on. By then the message is another one's."""
    put(psql, course_id=uuid4())
    config = rabbitmq.settings().model_copy(update={"vhost": vhost})
    first, second = peer(), peer()

    class Suspended(Publisher):
        """Comes to publishing when another relay has the message. Once: then it has no connection."""

        async def publish(
            self, publications: Sequence[Publication], not_after: float = math.inf
        ) -> list[PublishResult]:
            psql.run("UPDATE outbox SET claimed_until = now()")
            assert len(await second.outbox.claim(10, 60, 2**20, replies=False, tried=False)) == 1
            deliveries = await super().publish(publications, not_after)
            self._connected.clear()
            return deliveries

    async def go_on() -> None:
        async with connected(config, Suspended) as publisher:
            # With its time over at once.
            await ResultRelay(first.outbox, publisher, config, interval=60, lease=-1).turn()

    asyncio.run(go_on())
    assert upstream.waiting(STATUS) == []
    assert psql.row("SELECT claimed_by::text, claimed_until > now() AS claimed, published_at FROM outbox") == {
        "claimed_by": str(second.id),
        "claimed": True,
        "published_at": None,
    }


def test_two_relays_at_once_publish_each_message_once(
    psql: Psql, peer: Callable[..., Peer], rabbitmq: LocalRabbitMQ, vhost: str, upstream: Upstream
) -> None:
    """Fault 43."""
    psql.run(
        "INSERT INTO outbox (course_id, destination, type, body)"
        " SELECT gen_random_uuid(), 'status', 'course.success', convert_to(n::text, 'UTF8')"
        " FROM generate_series(1, 400) n"
    )
    config = rabbitmq.settings().model_copy(update={"vhost": vhost})

    async def relay_both() -> None:
        async with connected(config, Publisher) as one, connected(config, Publisher) as other:
            relays = [ResultRelay(peer().outbox, each, config, interval=60, lease=30) for each in (one, other)]
            await asyncio.gather(*(relay.turn() for relay in relays))

    asyncio.run(relay_both())
    assert sorted(int(message.body) for message in upstream.waiting(STATUS)) == list(range(1, 401))
    assert psql.value("SELECT count(*) FROM outbox WHERE published_at IS NULL") == 0


def test_a_broker_that_blocks_publishing_is_waited_for_but_not_for_ever(
    rabbitmq: LocalRabbitMQ, vhost: str, upstream: Upstream
) -> None:
    """Fault 16. What was being published is tried again; who waits for it is told."""
    config = rabbitmq.settings().model_copy(update={"vhost": vhost})
    assert connection_parameters(config, "test").blocked_connection_timeout == 60
    message = Publication("course.exchange", "course.status", b"{}", "course.success")

    async def publish() -> tuple[list[PublishResult], list[PublishResult]]:
        connected = asyncio.Event()
        ring = partial(asyncio.get_running_loop().call_soon_threadsafe, connected.set)
        publisher = Publisher(config, ring, blocked=1)  # a minute is long for a test
        publisher.start()
        async with asyncio.timeout(PATIENCE):
            await connected.wait()
            rabbitmq.control("set_vm_memory_high_watermark", "0.00001")
            try:
                blocked = await publisher.publish([message, message])
            finally:
                rabbitmq.control("set_vm_memory_high_watermark", "0.6")
            connected.clear()
            await connected.wait()
            after = await publisher.publish([message])
        await asyncio.to_thread(publisher.stop)
        return blocked, after

    assert asyncio.run(publish()) == ([PublishResult.LOST, PublishResult.NOT_TRIED], [PublishResult.CONFIRMED])
    # What was sent into the blocked connection may have arrived or not.
    assert len(upstream.waiting(STATUS)) in (1, 2)
