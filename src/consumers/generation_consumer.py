"""Takes requests from the queue: each becomes a committed course, or a refusal, before its message is acknowledged."""

import asyncio
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from src.consumers.database_watch import DatabaseWatch
from src.consumers.delivered_request import RequestRules, delivered_identifiers, log_refusal
from src.consumers.files_only_worker import FilesOnlyWorker
from src.consumers.locked_requests import LockedRequests
from src.consumers.process_state import ProcessState
from src.domain.backoff import backoff
from src.domain.errors import CourseError, InternalError, InvalidRequest, LimitExceeded, RequestLocked
from src.domain.request import IdentifiedRequest
from src.services.broker.consumer import Delivery, QueueConsumer
from src.services.crash_points import crash_point
from src.services.database.connection import is_about_values, is_away
from src.services.database.intake import Intake, Reception
from src.services.database.set_aside import RequestsSetAside

_log = structlog.get_logger(__name__)

# The size of a batch has no effect, as its messages are handled one by one.
_BATCH = 100


class GenerationConsumer:
    """Takes requests in, one message after the other, in the event loop."""

    def __init__(
        self,
        intake: Intake,
        set_aside: RequestsSetAside,
        queue: QueueConsumer,
        watch: DatabaseWatch,
        files_only: FilesOnlyWorker | None,
        rules: RequestRules,
        state: ProcessState,
    ) -> None:
        """`set_aside` keeps requests that wait for a lock. While the database is away, `files_only` gets them all."""
        self._intake = intake
        self._locked = LockedRequests(set_aside, partial(self.handle, waited=True))
        self._queue = queue
        self._rules = rules
        self._watch = watch
        self._files_only = files_only
        self._accepted = state.accepted
        self._wakeups = state.wakeups
        self._failures = 0
        """How often in a row the database couldn't take a request in."""
        self._task: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether requests are being received."""
        return self._queue.connected

    async def start(self) -> None:
        """Begins to receive, if it hasn't yet, and to look for requests that wait for a lock."""
        self.begin()
        await self._locked.start()

    def begin(self) -> None:
        """Does what `start` does, for callers that can't await. Call it from the event loop."""
        if self._task is not None:
            return
        self._task = asyncio.create_task(self._run(), name="GenerationConsumer")
        self._queue.start()

    async def stop(self) -> None:
        """Stops receiving. What isn't acknowledged by now goes back to the queue."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._locked.stop()
        await asyncio.to_thread(self._queue.stop)

    async def _run(self) -> None:
        while True:
            for delivery in await self._queue.batch(_BATCH):
                if delivery.is_current():
                    await self._take_in(delivery)

    async def _take_in(self, delivery: Delivery) -> None:
        try:
            crash_point("received")
            if self._files_only is not None and not self._watch.present:
                await self._files_only.take(delivery)
            elif await self._handle_or_set_aside(delivery):
                crash_point("accepted")
                delivery.acknowledge()
            self._failures = 0
        except SQLAlchemyError as error:
            # It goes to the end of the line, so that a message that waits for a lock doesn't hold up the others.
            self._queue.put_back(delivery)
            if is_away(error):
                self._watch.lost()
            if self._files_only is not None and not self._watch.present:
                return
            self._failures += 1
            _log.error(
                "the database can't take requests in; they wait in the queue",
                action="intake_waiting",
                error=f"{type(error).__name__}: {getattr(error, 'orig', error)}".strip(),
            )
            await asyncio.sleep(backoff(self._failures, 1.0, 30.0))
        except Exception:
            # It is neither accepted nor refused, so it stays unacknowledged and comes again with the next connection.
            _log.exception("a request could not be taken in", action="intake_failed")

    async def _handle_or_set_aside(self, delivery: Delivery) -> bool:
        # The body is read once more only if it may matter.
        user_id = None if self._locked.are_none else delivered_identifiers(delivery)[1]
        if user_id is None or not self._locked.is_locked(user_id):
            try:
                return await self.handle(delivery)
            except RequestLocked as error:
                user_id = error.user_id
        await self._locked.put(delivery, user_id)
        return True

    async def handle(self, delivery: Delivery, *, waited: bool = False) -> bool:
        """Accepts or refuses one message. Returns True if that is committed and the message may be acknowledged.

        Returns False if its course is being written with files only and the message is held for that. Raises
        `RequestLocked` if somebody holds a lock that this needs, and `SQLAlchemyError` if the database can neither
        accept nor refuse now. `waited`: it was set aside for a lock before.
        """
        try:
            request = self._rules.request(delivery)
            if self._files_only is not None and await self._files_only.concerns(delivery, request):
                return False
            await self._accept(delivery, request, waited)
        except (InvalidRequest, LimitExceeded) as error:
            await self._refuse(delivery, error)
        except RequestLocked:
            raise
        except Exception as error:
            if isinstance(error, SQLAlchemyError) and not is_about_values(error):
                raise  # no fault of the request
            _log.exception("an unexpected error at intake", action="intake_error")
            await self._refuse(delivery, InternalError("the request met an unexpected error at intake"))
        return True

    async def _accept(self, delivery: Delivery, request: IdentifiedRequest, waited: bool) -> None:
        reception, course_id = await self._intake.accept(
            request,
            delivery.body,
            redelivered=delivery.redelivered,
            reply=self._rules.reply_address(delivery),
            waited=waited,
        )
        self._accepted.add(course_id)
        fields = {"request_id": request.request_id, "course_id": str(course_id)}
        match reception:
            case Reception.ACCEPTED:
                _log.info("a request is accepted", action="request_accepted", **fields)
                self._wakeups.courses_waiting.ring()
            case Reception.STILL_OPEN:
                _log.info("a request came again while its course is open", action="request_repeated", **fields)
            case Reception.RESULT_REPEATED:
                _log.info("a request came again; its result is sent again", action="result_repeated", **fields)
                self._wakeups.messages_waiting.ring()
            case Reception.CONFLICT:
                _log.warning("a request_id was used for another request", action="request_conflict", **fields)
                self._wakeups.messages_waiting.ring()

    async def _refuse(self, delivery: Delivery, error: CourseError) -> None:
        await self._intake.refuse(self._rules.refusal(delivery, error))
        log_refusal(delivery, error)
        self._wakeups.messages_waiting.ring()
