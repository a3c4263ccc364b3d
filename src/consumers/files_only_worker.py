"""Writes courses with files only while the database is away, from requests that the database hasn't accepted."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from src.config import Settings
from src.consumers.database_watch import DatabaseWatch
from src.consumers.delivered_request import RequestRules
from src.consumers.files_only_attempt import LOOK_AGAIN, FilesAttempt
from src.consumers.files_only_refusals import Refusals
from src.consumers.process_state import ProcessState
from src.domain.errors import InvalidRequest, RequestIdConflict
from src.domain.files_course import StoredResult
from src.domain.request import IdentifiedRequest
from src.services.broker.announcer import Announcer
from src.services.broker.consumer import Delivery
from src.services.crash_points import crash_point
from src.services.database.course_import import Import
from src.services.duty import Duty
from src.services.files.importer import FilesImport
from src.services.files.results import result_status
from src.services.files.store import FilesStore

_log = structlog.get_logger(__name__)

_INTERVAL = 1.0
_RETRY = 5.0
# How long courses that are cancelled after the grace time may take to end.
_END_SECONDS = 5.0


@dataclass(slots=True)
class _Waiting:
    delivery: Delivery
    request: IdentifiedRequest
    due: float = 0.0
    """When its course may begin, by `time.monotonic`."""


@dataclass(slots=True)
class _Running:
    request: IdentifiedRequest
    deliveries: list[Delivery]
    """The message that the course was begun for, and others of the same request that came since."""
    task: asyncio.Task[None] = field(init=False)
    concluding: bool = False
    """Whether it is written, and only waits for the disk and the broker."""


class FilesOnlyWorker(Duty):
    """Holds each message until its course is safe on disk and the result is published, then acknowledges it.

    When the database is back, requests whose course hasn't begun go the ordinary way. A course that has begun is
    brought to its end, and then imported by the `Reconciler`.
    """

    def __init__(
        self,
        attempt: FilesAttempt,
        files: FilesStore,
        importer: FilesImport,
        announcer: Announcer,
        watch: DatabaseWatch,
        put_back: Callable[[Delivery], None],
        settings: Settings,
        state: ProcessState,
    ) -> None:
        """`put_back` returns a message to the ordinary intake."""
        super().__init__(_INTERVAL)
        self._attempt = attempt
        self._files = files
        self._importer = importer
        self._announcer = announcer
        self._watch = watch
        self._put_back = put_back
        self._settings = settings
        self._breaker = state.breaker
        self._accepted = state.accepted
        self._shutdown = state.shutdown
        self._wakeups = state.wakeups
        self._process_slots = state.slots
        self._process_slots.shared_with(lambda: self.slots_in_use)
        self._waiting: list[_Waiting] = []
        self._running: dict[UUID, _Running] = {}
        self._rules = RequestRules.of(settings)
        self._refusals = Refusals(announcer, self._rules)

    @property
    def slots_in_use(self) -> int:
        """How many of the process's slots these courses take."""
        return sum(not running.concluding for running in self._running.values())

    async def take(self, delivery: Delivery) -> None:
        """Takes over one message, which is answered and acknowledged here, or given back to intake."""
        try:
            request = self._rules.request(delivery)
        except InvalidRequest as error:
            self._refusals.begin(delivery, error)
            return
        known = await self._files.recognised(request, delivery.body, redelivered=delivery.redelivered)
        self._waiting.append(_Waiting(delivery, known))
        self.wake()

    async def concerns(self, delivery: Delivery, request: IdentifiedRequest) -> bool:
        """Returns True, and holds the message, if the course of `request` is being written with files only.

        A course that an earlier process has left on disk is imported first, so that intake finds it.
        """
        known = await self._files.recognised(request, delivery.body, redelivered=delivery.redelivered)
        if known.course_id not in self._running:
            if not await self._files.has(known.course_id):
                return False
            try:
                if await self._importer.run(known.course_id) is not Import.BUSY:
                    return False
            except (OSError, ValueError) as error:
                _log.error(
                    "a course on disk can't be read; its request is taken as a new one",
                    action="import_failed",
                    course_id=str(known.course_id),
                    error=f"{type(error).__name__}: {error}",
                )
                return False
        self._waiting.append(_Waiting(delivery, known))
        return True

    async def turn(self) -> None:
        """Begins the courses that wait, as far as slots are free. If the database is back, intake gets them instead."""
        waiting, self._waiting = self._waiting, []
        for entry in waiting:
            running = self._running.get(entry.request.course_id)
            if not entry.delivery.is_current():
                continue  # the broker delivers it again, here or elsewhere
            if running is not None and running.request.request_hash == entry.request.request_hash:
                running.deliveries.append(entry.delivery)
            elif running is not None or self._shutdown.is_set():
                self._waiting.append(entry)
            elif self._watch.present:
                self._put_back(entry.delivery)
            elif entry.request.course_id in self._accepted:
                self._waiting.append(entry)  # its course is in the database, and so is how far it is
            elif entry.due <= time.monotonic() and self._process_slots.free > 0 and self._breaker.permits(1):
                self._start(entry)
            else:
                self._waiting.append(entry)

    async def stop(self) -> None:
        """Lets courses under way finish within the grace time. The messages of the others go back to the queue."""
        await super().stop()
        self._refusals.cancel()
        tasks = [running.task for running in self._running.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=self._settings.worker.grace)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=_END_SECONDS)

    def _start(self, entry: _Waiting) -> None:
        self._breaker.claimed()
        running = self._running[entry.request.course_id] = _Running(entry.request, [entry.delivery])
        running.task = asyncio.create_task(self._run_course(running), name=f"course {entry.request.course_id}")

    async def _run_course(self, running: _Running) -> None:
        """Makes one attempt at one course. After it, its messages are acknowledged, or wait to be tried again."""
        request = running.request
        structlog.contextvars.bind_contextvars(course_id=str(request.course_id), request_id=request.request_id)
        delay = LOOK_AGAIN

        def concluding() -> None:
            running.concluding = True

        try:
            ended = await self._attempt.run(request, running.deliveries[0].body, concluding)
            concluding()
            if isinstance(ended, StoredResult):
                await self._conclude(running, ended)
                delay = 0.0
            else:
                delay = ended
        except RequestIdConflict as error:
            while running.deliveries:
                await self._refusals.refuse(running.deliveries[0], error)
                running.deliveries.pop(0)
            delay = 0.0
        except Exception:
            _log.exception("a course could not be written with files only", action="files_only_failed")
            delay = _RETRY
        finally:
            await self._files.unlock(request.course_id)
            del self._running[request.course_id]
            # Even after a result, a message of the same request may have come since the last look.
            due = time.monotonic() + delay
            self._waiting += [_Waiting(delivery, request, due) for delivery in running.deliveries]
            self._wakeups.imports_waiting.ring()
            self.wake()

    async def _conclude(self, running: _Running, result: StoredResult) -> None:
        message = result_status(result)
        # Whoever joins while it is being published may have seen it already, and gets it once more. But a message that
        # is delivered again, as after a broker's restart, is the one that this answers.
        answered = len(running.deliveries)
        await self._announcer.announce([message])
        crash_point("files_published")
        again = [delivery for delivery in running.deliveries[answered:] if delivery.redelivered]
        for delivery in running.deliveries[:answered] + again:
            running.deliveries.remove(delivery)
            if (reply := self._rules.reply_address(delivery)) is not None:
                await self._announcer.announce([message.as_reply(reply)])
            delivery.acknowledge()
