"""What messages and those who wait for them have to bear when the broker is in trouble. A real broker throughout."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import uuid4

import pytest
import structlog
from sqlalchemy.exc import SQLAlchemyError

from src.config import RabbitMQSettings
from src.consumers.result_relay import ResultRelay
from src.devtools.local_rabbitmq import LocalRabbitMQ
from src.domain.message import Message
from src.operations.known_schema import ROOT
from src.services.broker.announcer import Announcer
from src.services.broker.publisher import Publication, Publisher, PublishResult
from src.services.broker.replies import ReplyPublisher
from src.services.duty import Duty
from src.worker import publish_the_last
from tests.integration.test_outbox import connected, put
from tests.peers import Peer
from tests.proxy import Proxy
from tests.sql import Psql
from tests.upstream import STATUS, Caller, Upstream
from tests.waiting import PATIENCE, eventually

MESSAGE = Publication("course.exchange", "course.status", b"{}", "course.success")


@pytest.fixture
def config(rabbitmq: LocalRabbitMQ, vhost: str) -> RabbitMQSettings:
    return rabbitmq.settings().model_copy(update={"vhost": vhost})


@contextmanager
def out_of_memory(rabbitmq: LocalRabbitMQ) -> Iterator[None]:
    rabbitmq.control("set_vm_memory_high_watermark", "0.0000001")
    try:
        yield
    finally:
        rabbitmq.control("set_vm_memory_high_watermark", "0.6")


@asynccontextmanager
async def relays(peer: Peer, config: RabbitMQSettings) -> AsyncIterator[None]:
    """Runs both relays of a worker, whose connections an alarm may block for a moment only."""
    async with (
        connected(config, Publisher, blocked=0.2) as publisher,
        connected(config, ReplyPublisher, blocked=0.2) as replies,
    ):
        duties = [
            ResultRelay(peer.outbox, publisher, config, interval=0.1, lease=30),
            ResultRelay(peer.outbox, replies, config, interval=0.1, lease=30, replies=True),
        ]
        for duty in duties:
            await duty.start()
        yield
        for duty in duties:
            await duty.stop()


@pytest.mark.long
def test_an_alarm_is_no_messages_fault_and_all_are_published_when_it_ends(
    psql: Psql, peer: Callable[..., Peer], rabbitmq: LocalRabbitMQ, vhost: str, config: RabbitMQSettings
) -> None:
    """Fault 16. One more failure of its own would be the last of each message, and a direct reply is tried once."""
    with Upstream(rabbitmq, vhost) as upstream:
        caller, queue = Caller(rabbitmq, vhost), upstream.reply_queue()
        addresses = [caller.address, queue]
        for failures in (0, 19):
            for _ in range(3):
                put(psql, course_id=uuid4(), failures=failures)
            for address in addresses:
                put(psql, course_id=uuid4(), failures=failures, destination="reply", routing_key=address)

        def how_often(action: str, **fields: str) -> int:
            return sum(line.items() >= {"action": action, **fields}.items() for line in logged)

        def blocked_often() -> bool:
            psql.run("UPDATE outbox SET publish_after = now() WHERE published_at IS NULL")
            actions = ("broker_unavailable", "broker_connection_broken")
            lost = [sum(how_often(each, connection=name) for each in actions) for name in ("publisher", "replies")]
            return min(lost) >= 2 and how_often("direct_replies_wait") + how_often("reply_dropped") >= 2

        def all_are_out() -> object:
            psql.run("UPDATE outbox SET publish_after = now() WHERE published_at IS NULL AND dead_at IS NULL")
            return psql.value("SELECT count(*) FROM outbox WHERE published_at IS NULL AND dead_at IS NULL") == 0

        async def relay() -> None:
            async with relays(peer(), config):
                await asyncio.to_thread(eventually, blocked_often, "each connection was blocked twice")
                failures = psql.rows("SELECT DISTINCT failures, published_at, dead_at FROM outbox ORDER BY failures")
                assert failures == [{"failures": number, "published_at": None, "dead_at": None} for number in (0, 19)]
                rabbitmq.control("set_vm_memory_high_watermark", "0.6")
                await asyncio.to_thread(eventually, all_are_out, "all are published")

        with structlog.testing.capture_logs() as logged, out_of_memory(rabbitmq):
            asyncio.run(relay())
        assert psql.value("SELECT count(*) FROM outbox WHERE dead_at IS NOT NULL") == 0
        waits = [line["retry_in"] for line in logged if line.get("connection") == "publisher" and "retry_in" in line]
        assert all(low <= wait <= 2 * low for low, wait in zip((0.5, 1, 2), waits, strict=False))  # they grow
        for action in ("broker_connection_broken", "reply_dropped", "message_dead", "publish_failed"):
            assert how_often(action) == 0, action
        # What was sent into a blocked connection may have arrived.
        assert len({message.properties.message_id for message in upstream.waiting(STATUS)}) == 6
        assert len({message.properties.message_id for message in upstream.waiting(queue)}) == 2
        upstream.wait_until(lambda: caller.look() >= 2, "the caller has its answers")


def test_an_alarm_costs_no_direct_reply_that_no_outbox_holds(
    rabbitmq: LocalRabbitMQ, vhost: str, config: RabbitMQSettings
) -> None:
    """Fault 16, while the database is away too."""
    with Upstream(rabbitmq, vhost) as upstream, structlog.testing.capture_logs() as logged:
        caller = Caller(rabbitmq, vhost)
        reply = Message(destination="reply", routing_key=caller.address, correlation_id=None, type="t", body=b"{}")

        def noticed() -> list[str]:
            return [line["action"] for line in logged if line.get("action") in ("publish_failed", "reply_dropped")]

        async def announce() -> None:
            async with connected(config, Publisher) as publisher, connected(config, ReplyPublisher) as replies:
                task = asyncio.create_task(Announcer(publisher, replies, config).announce([reply]))
                await asyncio.to_thread(eventually, noticed, "it is noticed that it can't be published")
                assert noticed() == ["publish_failed"]
                rabbitmq.control("set_vm_memory_high_watermark", "0.6")
                assert await task

        with out_of_memory(rabbitmq):
            asyncio.run(announce())
        upstream.wait_until(lambda: caller.look() >= 1, "the caller has its answer")


def test_while_direct_replies_get_no_connection_those_to_queues_behind_them_go_out(
    psql: Psql, peer: Callable[..., Peer], rabbitmq: LocalRabbitMQ, vhost: str, config: RabbitMQSettings
) -> None:
    many = 250  # more than two batches
    with Upstream(rabbitmq, vhost) as upstream:
        caller, queue = Caller(rabbitmq, vhost), upstream.reply_queue()
        address = caller.address
        for _ in range(many):
            put(psql, course_id=uuid4(), destination="reply", routing_key=address)
        put(psql, course_id=uuid4(), destination="reply", routing_key=queue)
        waiting = "SELECT count(*), sum(failures) FROM outbox WHERE published_at IS NULL"

        async def relay(steps: Callable[[], None]) -> None:
            async with connected(config, ReplyPublisher) as replies:
                duty = ResultRelay(peer().outbox, replies, config, interval=0.1, lease=30, replies=True)
                await asyncio.to_thread(rabbitmq.control, "set_vhost_limits", "-p", vhost, limit)
                await duty.start()
                await asyncio.to_thread(steps)
                await duty.stop()

        def the_one_behind_goes_out() -> None:
            eventually(lambda: psql.row(waiting) == {"count": many, "sum": 0}, "the one to a queue is out")

        def the_others_go_out() -> None:
            psql.run("UPDATE outbox SET publish_after = now()")
            upstream.wait_until(lambda: caller.look() == many, "the caller has all its answers")

        limit = '{"max-connections": 1}'  # there are more already
        asyncio.run(relay(the_one_behind_goes_out))
        assert len(upstream.waiting(queue)) == 1
        limit = "{}"
        rabbitmq.control("clear_vhost_limits", "-p", vhost)
        asyncio.run(relay(the_others_go_out))
        eventually(lambda: psql.value("SELECT count(*) FROM outbox WHERE published_at IS NULL") == 0, "none is owed")


STOP_WHEN_TOLD = """
import asyncio, sys
from src.config import RabbitMQSettings
from src.services.broker.publisher import Publication
from src.services.broker.replies import ReplyPublisher

async def publish():
    loop, connected = asyncio.get_running_loop(), asyncio.Event()
    replies = ReplyPublisher(RabbitMQSettings(), lambda: loop.call_soon_threadsafe(connected.set))
    replies.start()
    await connected.wait()
    task = asyncio.create_task(replies.publish([Publication("", sys.argv[1], b"{}", "t", mandatory=False)]))
    await asyncio.to_thread(sys.stdin.readline)
    await asyncio.to_thread(replies.stop)
    print("still under way" if not task.done() else task.result(), flush=True)

asyncio.run(publish())
"""


def test_a_broker_that_falls_silent_over_a_direct_reply_holds_up_no_stop_and_no_exit(rabbitmq: LocalRabbitMQ) -> None:
    with Proxy(rabbitmq.port) as proxy:
        proxy.cut_at(b"amq.rabbitmq.reply-to.x", answered=True)
        # By a heartbeat of an hour the silence isn't noticed while the test waits.
        settings = {**rabbitmq.environment(), "RABBITMQ_PORT": str(proxy.port), "RABBITMQ_HEARTBEAT": "3600"}
        process = subprocess.Popen(
            [sys.executable, "-c", STOP_WHEN_TOLD, "amq.rabbitmq.reply-to.x"],
            cwd=ROOT,
            env=settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            eventually(proxy.sprung.is_set, "the reply is sent")
            said, _ = process.communicate("stop\n", timeout=PATIENCE)
        finally:
            process.kill()
    assert (said.splitlines()[-1], process.returncode) == ("still under way", 0)


def test_whoever_publishes_when_the_publisher_has_stopped_is_told_that_it_was_not_tried(
    config: RabbitMQSettings,
) -> None:
    direct = Publication("", "amq.rabbitmq.reply-to.x", b"{}", "course.success", mandatory=False)
    named = Publication("", "queue", b"{}", "course.success")

    async def publish() -> list[PublishResult]:
        async with connected(config, Publisher) as publisher, connected(config, ReplyPublisher) as replies:
            pass  # they are stopped at its end
        async with asyncio.timeout(PATIENCE):
            return await publisher.publish([MESSAGE]) + await replies.publish([direct, named])

    assert asyncio.run(publish()) == [PublishResult.NOT_TRIED] * 3


def test_what_waits_for_a_publisher_that_stops_is_answered(rabbitmq: LocalRabbitMQ, config: RabbitMQSettings) -> None:
    """The first job is in the blocked connection when the publisher is stopped, the second behind it."""

    async def publish() -> list[PublishResult]:
        async with connected(config, Publisher, blocked=1) as publisher:
            jobs = [asyncio.create_task(publisher.publish([MESSAGE])) for _ in range(2)]
            await asyncio.to_thread(eventually, lambda: publisher.publishing_for > 0, "the first is under way")
        async with asyncio.timeout(PATIENCE):
            return [result for each in await asyncio.gather(*jobs) for result in each]

    with out_of_memory(rabbitmq):
        assert asyncio.run(publish()) == [PublishResult.LOST, PublishResult.NOT_TRIED]


def test_when_one_relay_fails_at_the_end_the_other_one_still_comes_to_its_own() -> None:
    failed, ended = asyncio.Event(), []

    class Failing(Duty):
        async def turn(self) -> None:
            failed.set()
            raise SQLAlchemyError("the database is away")

    class Slow(Duty):
        async def turn(self) -> None:
            await failed.wait()
            for _ in range(10):
                await asyncio.sleep(0)
            ended.append(self)

    async def stop() -> None:
        with pytest.raises(SQLAlchemyError):
            await publish_the_last([Failing(60), slow])

    slow = Slow(60)
    asyncio.run(stop())
    assert ended == [slow]
