"""The consumer with a real broker and a real database, in this process."""

import asyncio
from typing import Any
from uuid import UUID

from sqlalchemy.exc import OperationalError

from src.config import Settings
from src.consumers.database_watch import DatabaseWatch
from src.consumers.delivered_request import RequestRules
from src.consumers.generation_consumer import GenerationConsumer
from src.consumers.model_breaker import ModelBreaker
from src.consumers.process_state import ProcessState, Slots
from src.devtools.local_rabbitmq import LocalRabbitMQ
from src.operations.known_schema import needed_schema
from src.services.broker.consumer import QueueConsumer
from src.services.database.connection import Database
from src.services.database.intake import Intake, Reception
from src.services.database.set_aside import RequestsSetAside
from src.services.model.brake import ModelBrake
from tests.sql import Psql
from tests.upstream import Upstream
from tests.waiting import PATIENCE

_CLOSED = OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))


class ConfirmationLost(Intake):
    """An intake whose first commit goes through, but nobody hears of it."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.receptions: list[Reception] = []
        self.taken_in = asyncio.Event()

    async def accept(self, *args: Any, **options: Any) -> tuple[Reception, UUID]:
        reception, course_id = await super().accept(*args, **options)
        self.receptions.append(reception)
        if len(self.receptions) == 1:
            raise _CLOSED
        self.taken_in.set()
        return reception, course_id


class SecondTryLost(ConfirmationLost):
    """An intake that can do nothing the second time that it is asked."""

    asked = 0

    async def accept(self, *args: Any, **options: Any) -> tuple[Reception, UUID]:
        self.asked += 1
        if self.asked == 2:
            raise _CLOSED
        reception, course_id = await Intake.accept(self, *args, **options)
        self.receptions.append(reception)
        if len(self.receptions) == 2:
            self.taken_in.set()
        return reception, course_id


async def take_in(intake: ConfirmationLost, database: Database, rabbitmq: LocalRabbitMQ, vhost: str) -> None:
    """Runs a consumer until everything is taken in."""
    config = rabbitmq.settings().model_copy(update={"vhost": vhost})
    state = ProcessState(Slots(1), ModelBreaker(ModelBrake(10, 1.0)))
    watch = DatabaseWatch(database, needed_schema(), interval=1, wakeups=state.wakeups)
    queue = QueueConsumer(config, config.queue_generation, 50)
    consumer = GenerationConsumer(
        intake, RequestsSetAside(database), queue, watch, None, RequestRules.of(Settings(env_file=None)), state
    )
    await consumer.start()
    async with asyncio.timeout(PATIENCE):
        await intake.taken_in.wait()
    await consumer.stop()


def test_a_request_without_id_whose_commit_was_not_confirmed_makes_one_course(
    database: Database, psql: Psql, rabbitmq: LocalRabbitMQ, vhost: str, upstream: Upstream, user_id: str
) -> None:
    intake = ConfirmationLost(database)
    upstream.publish({"user_id": user_id, "topic": "Cells"})
    asyncio.run(take_in(intake, database, rabbitmq, vhost))
    assert intake.receptions == [Reception.ACCEPTED, Reception.STILL_OPEN]
    assert psql.value("SELECT count(*) FROM courses") == 1


def test_two_requests_alike_without_an_id_are_two_also_where_the_database_keeps_one_waiting(
    database: Database, psql: Psql, rabbitmq: LocalRabbitMQ, vhost: str, upstream: Upstream, user_id: str
) -> None:
    intake = SecondTryLost(database)
    for _ in range(2):
        upstream.publish({"user_id": user_id, "topic": "Cells"})
    asyncio.run(take_in(intake, database, rabbitmq, vhost))
    assert intake.receptions == [Reception.ACCEPTED, Reception.ACCEPTED]
    assert psql.value("SELECT count(*) FROM courses") == 2
