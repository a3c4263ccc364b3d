"""The part that takes requests from the queue and writes the courses that the database keeps."""

import asyncio
import hashlib
from collections.abc import Mapping

from src.config import COURSES, OpenAISettings, Settings
from src.consumers.course_worker import CourseWorker
from src.consumers.course_writing import CourseWriting
from src.consumers.database_watch import DatabaseWatch
from src.consumers.delivered_request import RequestRules
from src.consumers.files_only_worker import FilesOnlyWorker
from src.consumers.generation_consumer import GenerationConsumer
from src.consumers.mirror_keeper import MirrorKeeper
from src.consumers.process_state import ProcessState
from src.services.broker.consumer import QueueConsumer
from src.services.database.connection import Database
from src.services.database.course_store import CourseStore
from src.services.database.intake import Intake
from src.services.database.model_stops import ServerName
from src.services.database.set_aside import RequestsSetAside
from src.services.database.user_limits import UserLimits
from src.services.database.worker_registry import Membership
from src.services.model.address import Address


class Courses:
    """The `Part` of the role `courses`: intake, slots and mirror."""

    name = COURSES
    gauge_descriptions: Mapping[str, str] = {}
    """It is empty because `src.operations.metrics` describes the gauges of this part."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        state: ProcessState,
        writing: CourseWriting,
        watch: DatabaseWatch,
        worker: Membership,
        queue: QueueConsumer,
        files_only: FilesOnlyWorker | None,
    ) -> None:
        """`queue` brings the requests. While the database is away, `files_only` gets them; without it they wait."""
        self._settings = settings
        self._state = state
        self._writing = writing
        limits = UserLimits(settings.max_open_courses_per_user, settings.max_courses_per_user_per_minute)
        store = CourseStore(database, limits, server_name(settings.openai))
        self._mirror_keeper = MirrorKeeper(store, writing.mirror)
        runner = writing.runner(store)
        self._course_worker = CourseWorker(worker, runner, store, self._mirror_keeper, settings, state)
        self._consumer = GenerationConsumer(
            Intake(database, limits),
            RequestsSetAside(database),
            queue,
            watch,
            files_only,
            RequestRules.of(settings),
            state,
        )
        state.wakeups.courses_waiting.subscribe(self._course_worker.wake)
        state.wakeups.database_back.subscribe(self._course_worker.wake)
        if files_only is not None:
            state.wakeups.database_lost.subscribe(self._consumer.begin)

    async def start(self) -> None:
        """Starts the consumer last, so that what it accepts finds slots to be written in."""
        await self._mirror_keeper.start()
        await self._course_worker.start()
        await self._consumer.start()

    async def stop(self) -> None:
        """Ends intake and lets lessons under way finish. These need database, model and heartbeat."""
        await asyncio.gather(self._consumer.stop(), self._course_worker.stop())
        await self._mirror_keeper.stop()

    def readiness(self) -> Mapping[str, bool]:
        """Returns whether requests are received, and whether the breaker lets courses through to the model."""
        return {"broker_consumer": self._consumer.connected, "model": not self._writing.breaker.tripped}

    async def gauges(self) -> Mapping[str, float]:
        """Returns how slots and model are used, by the names in `src.operations.metrics`."""
        brake = self._writing.server.brake
        return {
            "slots": self._settings.worker.slots,
            "slots_in_use": self._state.slots.in_use,
            "model_calls_limit": brake.limit,
            "model_calls_open": brake.open_calls,
            "model_paused_seconds": brake.paused_for,
        }


def server_name(config: OpenAISettings) -> ServerName:
    """Returns the name under which workers with the same settings share what they know of the model's server.

    It shows the address and the models. All settings go into the digest, the key too: where one was put right, there is
    no stop of before.
    """
    address = Address.given(config.base_url)
    models = " and ".join(dict.fromkeys((config.model_outline or config.model, config.model)))
    digest = hashlib.sha256(repr(sorted(config.model_dump().items())).encode()).hexdigest()[:12]
    return ServerName(f"{address.base_url} {models} {digest}", config.model_outline in (None, config.model))
