"""The consuming thread with a real broker."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from pika.adapters.blocking_connection import BlockingChannel

from src.config import RabbitMQSettings
from src.devtools.local_rabbitmq import LocalRabbitMQ
from src.services.broker.consumer import Delivery, QueueConsumer
from tests.broker import close_every_connection
from tests.upstream import REQUESTS, Upstream
from tests.waiting import PATIENCE, eventually


@pytest.fixture
def config(rabbitmq: LocalRabbitMQ, vhost: str) -> RabbitMQSettings:
    return rabbitmq.settings().model_copy(update={"vhost": vhost})


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """Each acknowledgement that is sent: tag, and whether it stands for those before it too."""
    sent: list[tuple[int, bool]] = []
    send = BlockingChannel.basic_ack

    def note_and_send(channel: BlockingChannel, delivery_tag: int = 0, multiple: bool = False) -> None:
        sent.append((delivery_tag, multiple))
        send(channel, delivery_tag, multiple)

    monkeypatch.setattr(BlockingChannel, "basic_ack", note_and_send)
    return sent


@pytest.fixture
def unacknowledged(rabbitmq: LocalRabbitMQ, vhost: str) -> Iterator[Callable[[], int]]:
    """How many messages the broker has given out and not got acknowledged."""

    def count() -> int:
        columns = ("name", "messages_unacknowledged", "--quiet", "--no-table-headers")
        listed = rabbitmq.control("list_queues", "-p", vhost, *columns)
        return int(dict(line.split("\t") for line in listed.splitlines())[REQUESTS])

    yield count


@asynccontextmanager
async def consuming(config: RabbitMQSettings, prefetch: int = 50) -> AsyncIterator[QueueConsumer]:
    consumer = QueueConsumer(config, REQUESTS, prefetch)
    consumer.start()
    try:
        yield consumer
    finally:
        await asyncio.to_thread(consumer.stop)


async def take(consumer: QueueConsumer, number: int) -> list[Delivery]:
    """Exactly that many messages, as soon as they are there."""
    taken: list[Delivery] = []
    async with asyncio.timeout(PATIENCE):
        while len(taken) < number:
            taken += await consumer.batch(number - len(taken))
    return taken


def publish(upstream: Upstream, number: int) -> None:
    for each in range(number):
        upstream.publish(str(each).encode())


class TestDeliveries:
    def test_a_message_as_it_came(self, config: RabbitMQSettings, upstream: Upstream) -> None:
        upstream.publish(b"{}", message_id="m-1", correlation_id="c-1", reply_to="q-1", priority=7)

        async def receive() -> Delivery:
            async with consuming(config) as consumer:
                (delivery,) = await take(consumer, 1)
                assert delivery.is_current()
            return delivery

        came = asyncio.run(receive())
        assert (came.body, came.routing_key, came.redelivered) == (b"{}", "course.generate", False)
        assert (came.message_id, came.correlation_id, came.reply_to, came.priority) == ("m-1", "c-1", "q-1", 7)
        assert not came.is_current()  # its connection is closed

    def test_one_that_is_put_back_comes_again_after_the_others_and_is_the_same(
        self, config: RabbitMQSettings, upstream: Upstream
    ) -> None:
        publish(upstream, 3)

        async def receive() -> tuple[Delivery, list[Delivery]]:
            async with consuming(config) as consumer:
                first, second, third = await take(consumer, 3)
                for delivery in (second, third, first):
                    consumer.put_back(delivery)
                return first, await take(consumer, 3)

        first, again = asyncio.run(receive())
        assert [delivery.body for delivery in again] == [b"1", b"2", b"0"]
        assert again[2].id == first.id


class TestBatches:
    def test_it_has_what_has_arrived_and_no_more_than_its_limit(
        self, config: RabbitMQSettings, upstream: Upstream
    ) -> None:
        publish(upstream, 7)

        async def receive() -> list[int]:
            async with consuming(config) as consumer:
                await asyncio.to_thread(eventually, lambda: len(consumer._arrived) == 7, "all have arrived")
                return [len(await consumer.batch(limit)) for limit in (3, 3, 3)]

        assert asyncio.run(receive()) == [3, 3, 1]

    def test_with_patience_it_is_full_as_soon_as_the_last_one_comes(
        self, config: RabbitMQSettings, upstream: Upstream
    ) -> None:
        """A patience that no test could wait for, so that it is the messages which end it."""

        async def receive() -> list[bytes]:
            async with consuming(config) as consumer, asyncio.timeout(PATIENCE):
                waiting = asyncio.create_task(consumer.batch(3, patience=10 * PATIENCE))
                await asyncio.to_thread(publish, upstream, 2)
                await asyncio.to_thread(eventually, lambda: len(consumer._arrived) == 2, "two have arrived")
                assert not waiting.done()
                await asyncio.to_thread(publish, upstream, 2)
                return [delivery.body for delivery in await waiting]

        assert asyncio.run(receive()) == [b"0", b"1", b"0"]

    def test_when_its_patience_ends_it_has_what_there_is(self, config: RabbitMQSettings, upstream: Upstream) -> None:
        publish(upstream, 2)

        async def receive() -> int:
            async with consuming(config) as consumer:
                await asyncio.to_thread(eventually, lambda: len(consumer._arrived) == 2, "both have arrived")
                return len(await consumer.batch(100, patience=0.01))

        assert asyncio.run(receive()) == 2

    def test_one_that_is_cancelled_while_it_waits_for_more_loses_nothing(
        self, config: RabbitMQSettings, upstream: Upstream
    ) -> None:
        publish(upstream, 2)

        async def receive() -> list[bytes]:
            async with consuming(config) as consumer:
                waiting = asyncio.create_task(consumer.batch(3, patience=10 * PATIENCE))
                await asyncio.to_thread(eventually, lambda: len(consumer._arrived) == 2, "both have arrived")
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
                return [delivery.body for delivery in await consumer.batch(3)]

        assert asyncio.run(receive()) == [b"0", b"1"]

    def test_a_stop_lets_who_waits_for_one_go(self, config: RabbitMQSettings, upstream: Upstream) -> None:
        async def receive() -> list[Delivery]:
            async with consuming(config) as consumer:
                waiting = asyncio.create_task(consumer.batch(3))
                await asyncio.to_thread(consumer.stop)
                return await waiting

        assert asyncio.run(receive()) == []


class TestAcknowledgements:
    def test_a_batch_is_acknowledged_with_one_frame(
        self,
        config: RabbitMQSettings,
        upstream: Upstream,
        frames: list[tuple[int, bool]],
        unacknowledged: Callable[[], int],
    ) -> None:
        publish(upstream, 40)

        async def receive() -> None:
            async with consuming(config) as consumer:
                for delivery in await take(consumer, 40):
                    delivery.acknowledge()
                await asyncio.to_thread(eventually, lambda: unacknowledged() == 0, "the broker has it")

        asyncio.run(receive())
        assert frames == [(40, True)]
        assert upstream.depth(REQUESTS) == 0

    def test_one_that_is_held_keeps_no_other_and_is_acknowledged_by_no_other(
        self,
        config: RabbitMQSettings,
        upstream: Upstream,
        frames: list[tuple[int, bool]],
        unacknowledged: Callable[[], int],
    ) -> None:
        """As files-only mode holds a message until its course is written."""
        publish(upstream, 10)

        async def receive() -> None:
            async with consuming(config) as consumer:
                deliveries = await take(consumer, 10)
                held = deliveries.pop(4)
                for delivery in deliveries:
                    delivery.acknowledge()
                await asyncio.to_thread(eventually, lambda: unacknowledged() == 1, "the others are acknowledged")
                assert held.is_current()

        asyncio.run(receive())
        assert frames == [(4, True), *((tag, False) for tag in range(6, 11))]
        (again,) = upstream.waiting(REQUESTS)
        assert again.body == b"4"

    def test_when_the_held_one_is_acknowledged_one_frame_covers_what_waited_behind_it(
        self,
        config: RabbitMQSettings,
        upstream: Upstream,
        frames: list[tuple[int, bool]],
        unacknowledged: Callable[[], int],
    ) -> None:
        publish(upstream, 5)

        async def receive() -> None:
            async with consuming(config) as consumer:
                held, second, *rest = await take(consumer, 5)
                second.acknowledge()
                await asyncio.to_thread(eventually, lambda: unacknowledged() == 4, "one is acknowledged")
                for delivery in (held, *rest):
                    delivery.acknowledge()
                await asyncio.to_thread(eventually, lambda: unacknowledged() == 0, "all are acknowledged")

        asyncio.run(receive())
        assert frames == [(2, False), (5, True)]

    def test_a_delivery_of_a_connection_that_broke_is_acknowledged_on_no_other(
        self,
        config: RabbitMQSettings,
        rabbitmq: LocalRabbitMQ,
        vhost: str,
        upstream: Upstream,
        frames: list[tuple[int, bool]],
        unacknowledged: Callable[[], int],
    ) -> None:
        """Fault 12: their tags are the same, so that one would be acknowledged which nobody has worked on."""
        publish(upstream, 3)

        async def receive() -> None:
            async with consuming(config) as consumer:
                before = await take(consumer, 3)
                before[0].acknowledge()
                await asyncio.to_thread(eventually, lambda: unacknowledged() == 2, "one is acknowledged")
                close_every_connection(rabbitmq, "-p", vhost)
                after = await take(consumer, 2)
                assert [delivery.body for delivery in after] == [b"1", b"2"]
                assert all(delivery.redelivered and delivery.is_current() for delivery in after)
                for delivery in before:
                    assert not delivery.is_current()
                    delivery.acknowledge()
                after[1].acknowledge()  # goes the same way, after them
                await asyncio.to_thread(eventually, lambda: unacknowledged() == 1, "the new one is acknowledged")

        asyncio.run(receive())
        assert frames == [(1, False), (2, False)]
        with Upstream(rabbitmq, vhost) as again:
            assert [message.body for message in again.waiting(REQUESTS)] == [b"1"]

    def test_what_is_acknowledged_just_before_the_stop_is_sent(
        self, config: RabbitMQSettings, upstream: Upstream
    ) -> None:
        publish(upstream, 3)

        async def receive() -> None:
            async with consuming(config) as consumer:
                for delivery in await take(consumer, 3):
                    delivery.acknowledge()

        asyncio.run(receive())
        assert upstream.waiting(REQUESTS) == []
