"""The consumer with a real broker and a real database, in this process."""

import asyncio
from typing import Any
from uuid import UUID

from sqlalchemy.exc import OperationalError

from src.consumers.accepted_courses import AcceptedCourses
from src.consumers.database_watch import DatabaseWatch
from src.consumers.generation_consumer import GenerationConsumer
from src.operations.local_rabbitmq import LocalRabbitMQ
from src.services.database import Database
from src.services.intake import Intake, Reception
from tests.sql import Psql
from tests.upstream import Upstream
from tests.waiting import PATIENCE


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
            raise OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))
        self.taken_in.set()
        return reception, course_id


async def _nothing() -> None:
    pass


def test_a_request_without_id_whose_commit_was_not_confirmed_makes_one_course(
    database: Database, psql: Psql, rabbitmq: LocalRabbitMQ, vhost: str, upstream: Upstream, user_id: str
) -> None:
    intake = ConfirmationLost(database)

    async def run() -> None:
        config = rabbitmq.settings().model_copy(update={"vhost": vhost})
        watch = DatabaseWatch(database, "0001", interval=1, on_away=_nothing, on_back=lambda: None)
        consumer = GenerationConsumer(
            intake, config, 30, 1, watch, None, AcceptedCourses(), on_accepted=lambda: None, on_answered=lambda: None
        )
        await consumer.start()
        async with asyncio.timeout(PATIENCE):
            await intake.taken_in.wait()
        await consumer.stop()

    upstream.publish({"user_id": user_id, "topic": "Cells"})
    asyncio.run(run())
    assert intake.receptions == [Reception.ACCEPTED, Reception.STILL_OPEN]
    assert psql.value("SELECT count(*) FROM courses") == 1
