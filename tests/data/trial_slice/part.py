"""Counts what it is told of, and answers with an event."""

import asyncio
from collections.abc import Mapping
from uuid import uuid4

import structlog
import typer
from pydantic import BaseModel, SecretStr

from src.config import SliceSettings
from src.services.broker.consumer import QueueConsumer
from src.services.database.outbox import put_event
from src.services.duty import Duty
from src.services.part import Engine, Part, Slice

_log = structlog.get_logger(__name__)


class LearningSettings(SliceSettings, env_prefix="LEARNING_"):
    """Its own settings: read for its role and its commands, and nowhere else."""

    key: SecretStr
    every: float = 3600


class Progress(BaseModel):
    """What it says."""

    learner: str
    percent: int


class Teller(Duty):
    """Sends one event each turn."""

    def __init__(self, engine: Engine, settings: LearningSettings) -> None:
        super().__init__(settings.every)
        self._engine = engine
        self._key = settings.key.get_secret_value()
        self.told = 0

    async def turn(self) -> None:
        """Tells."""
        body, message_id = Progress(learner="ada", percent=50).model_dump_json().encode(), uuid4()
        await self._engine.database.run(
            lambda connection: put_event(
                connection,
                routing_key="learner.progress",
                order_key="ada",
                message_id=message_id,
                type="learner.progress",
                body=body,
            )
        )
        self.told += 1
        self._engine.wakeups.messages_waiting.ring()
        _log.info("a learner's progress is told", action="progress_told", signed_with=self._key)


class Listener(Duty):
    """Takes what learners do, in batches."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(0.0)
        routes = ["learner.attempt", "learner.event"]
        self._queue = QueueConsumer(engine.rabbitmq, "learner.events", 1000, "learner", routes)

    async def start(self) -> None:
        """Begins to listen."""
        self._queue.start()
        await super().start()

    async def stop(self) -> None:
        """Ends with the batch under way."""
        await asyncio.to_thread(self._queue.stop)
        await super().stop()

    async def turn(self) -> None:
        """Takes one batch."""
        batch = await self._queue.batch(500, 0.2)
        for delivery in batch:
            delivery.acknowledge()
        if not batch:
            return
        _log.info("learners were heard", action="learners_heard", routes=[each.routing_key for each in batch])


class LearningPart:
    """See `Part`."""

    name = "learning"
    gauge_descriptions: Mapping[str, str] = {"learning_told": "Events that were put into the outbox"}

    def __init__(self, engine: Engine, settings: LearningSettings) -> None:
        self._teller, self._listener = Teller(engine, settings), Listener(engine)

    async def start(self) -> None:
        """Begins to tell and to listen."""
        await self._teller.start()
        await self._listener.start()

    async def stop(self) -> None:
        """Ends with the turn under way."""
        await self._teller.stop()
        await self._listener.stop()

    def readiness(self) -> Mapping[str, bool]:
        """Needs nothing of its own."""
        return {"learning": True}

    async def gauges(self) -> Mapping[str, float]:
        """Fails, as telemetry does on a bad day, until it has told something."""
        return {"learning_told": 1 / (1 / self._teller.told)}


def make_part(settings: LearningSettings, engine: Engine) -> Part:
    """Makes its part."""
    return LearningPart(engine, settings)


commands = typer.Typer(help="Learners.")


@commands.command("every")
def show_interval() -> None:
    """Show how often learners are told of."""
    typer.echo(f"every {SLICE.read_settings().model_dump()['every']:g} s")


SLICE = Slice(LearningSettings, make_part, commands, {"progress": Progress})
