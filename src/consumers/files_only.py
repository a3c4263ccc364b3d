"""Writes courses with files only while the database is away, from requests that it hasn't accepted."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import assert_never
from uuid import UUID, uuid4

import structlog

from src.config import Settings
from src.consumers.accepted_courses import AcceptedCourses
from src.consumers.database_watch import DatabaseWatch
from src.consumers.delivery import Delivery
from src.consumers.duty import Duty
from src.consumers.model_gate import ModelGate
from src.domain.backoff import backoff
from src.domain.course import Broken, Claim, Failed, Finished, HandedBack, Lost, ModelCall, Outcome, Postponed
from src.domain.errors import CourseError, ErrorCode, InvalidRequest, RequestIdConflict
from src.domain.request import IdentifiedRequest, identifiers
from src.domain.result import ErrorMessage, ProcessingMessage, SuccessMessage, success_message_id
from src.domain.text import printable
from src.services.course_generator import CourseGenerator
from src.services.crash_points import crash_point
from src.services.files_import import FilesImport, Import
from src.services.files_store import FilesStore, StoredResult, until_written
from src.services.messages import Message, refusal_messages, rejected_body
from src.services.mirror import Mirror
from src.services.publisher import Delivery as Published
from src.services.publisher import Publisher
from src.services.redaction import Redactor

_log = structlog.get_logger(__name__)

_INTERVAL = 1.0
# Another process has the course, or only the database knows about it.
_LOOK_AGAIN = 2.0
_FIRST_RETRY = 5.0
_LONGEST_RETRY = 300.0
_LONGEST_PUBLISH_DELAY = 30.0


@dataclass(slots=True)
class _Waiting:
    delivery: Delivery
    request: IdentifiedRequest
    due: float = 0.0
    """By `time.monotonic`."""


@dataclass(slots=True)
class _Running:
    request: IdentifiedRequest
    deliveries: list[Delivery]
    """The message that it was begun for, and others of the same request that came since."""
    task: asyncio.Task[None] = field(init=False)


class FilesOnlyWorker(Duty):
    """Holds each message until its course is safe on disk and the result is published, then acknowledges it.

    When the database is back, what hasn't begun goes the ordinary way; what has begun is brought to its end, and then
    imported by the `Reconciler`.
    """

    def __init__(
        self,
        generator: CourseGenerator,
        files: FilesStore,
        importer: FilesImport,
        mirror: Mirror,
        publisher: Publisher,
        gate: ModelGate,
        watch: DatabaseWatch,
        redact: Redactor,
        settings: Settings,
        accepted: AcceptedCourses,
        shutdown: asyncio.Event,
        slots_elsewhere: Callable[[], int],
        hand_back: Callable[[Delivery], None],
        on_ended: Callable[[], None],
    ) -> None:
        """`slots_elsewhere`: how many of the process's slots accepted courses have. `hand_back` gives a message to
        the ordinary intake. `on_ended` is called when a course may be imported.
        """
        super().__init__(_INTERVAL)
        self._generator = generator
        self._files = files
        self._importer = importer
        self._mirror = mirror
        self._publisher = publisher
        self._gate = gate
        self._watch = watch
        self._redact = redact
        self._settings = settings
        self._accepted = accepted
        self._shutdown = shutdown
        self._slots_elsewhere = slots_elsewhere
        self._hand_back = hand_back
        self._on_ended = on_ended
        self._waiting: list[_Waiting] = []
        self._running: dict[UUID, _Running] = {}
        self._refusals: set[asyncio.Task[None]] = set()

    @property
    def slots_in_use(self) -> int:
        """How many of the process's slots these courses have."""
        return len(self._running)

    async def take(self, delivery: Delivery) -> None:
        """Sees to one message, from here to its acknowledgement."""
        try:
            request = delivery.request(self._settings.max_lessons)
        except InvalidRequest as error:
            # By itself: a queue that takes no answers now must not keep other requests waiting.
            task = asyncio.create_task(self._refuse(delivery, error), name="refusal")
            self._refusals.add(task)
            task.add_done_callback(self._refusals.discard)
            return
        known = await asyncio.to_thread(
            self._files.recognised, request, delivery.body, redelivered=delivery.redelivered
        )
        self._waiting.append(_Waiting(delivery, known))
        self.wake()

    async def concerns(self, delivery: Delivery, request: IdentifiedRequest) -> bool:
        """Whether the course of `request` is being written here: then the message is held for it.

        A course that an earlier process has left on disk is imported first, so that intake finds it.
        """
        known = await asyncio.to_thread(
            self._files.recognised, request, delivery.body, redelivered=delivery.redelivered
        )
        if known.course_id not in self._running:
            if not self._files.has(known.course_id):
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
        """Starts what waits, as far as there are slots; gives it back to intake where the database is there again."""
        waiting, self._waiting = self._waiting, []
        for entry in waiting:
            running = self._running.get(entry.request.course_id)
            if not entry.delivery.is_current():
                continue  # it comes again, to whomever
            if running is not None and running.request.request_hash == entry.request.request_hash:
                running.deliveries.append(entry.delivery)
            elif running is not None or self._shutdown.is_set():
                self._waiting.append(entry)
            elif self._watch.present:
                self._hand_back(entry.delivery)
            elif entry.request.course_id in self._accepted:
                self._waiting.append(entry)  # the database has its course, and how far that is
            elif entry.due <= time.monotonic() and self._has_slot() and self._gate.permits(1):
                self._start(entry)
            else:
                self._waiting.append(entry)

    async def stop(self) -> None:
        """Courses under way may finish within the grace time. Their messages go back to the queue else."""
        await super().stop()
        for refusal in self._refusals:
            refusal.cancel()
        tasks = [running.task for running in self._running.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=self._settings.worker.grace)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=_FIRST_RETRY)

    def _has_slot(self) -> bool:
        return self._slots_elsewhere() + len(self._running) < self._settings.worker.slots

    def _start(self, entry: _Waiting) -> None:
        self._gate.claimed()
        running = self._running[entry.request.course_id] = _Running(entry.request, [entry.delivery])
        running.task = asyncio.create_task(self._run_course(running), name=f"course {entry.request.course_id}")

    async def _run_course(self, running: _Running) -> None:
        """One attempt at one course, from the message to its acknowledgement, or to when it is tried again."""
        request = running.request
        structlog.contextvars.bind_contextvars(course_id=str(request.course_id), request_id=request.request_id)
        delay = _LOOK_AGAIN
        try:
            ended = await self._attempt(running)
            if isinstance(ended, StoredResult):
                await self._conclude(running, ended)
                delay = 0.0
            else:
                delay = ended
        except RequestIdConflict as error:
            while running.deliveries:
                await self._refuse(running.deliveries[0], error)
                running.deliveries.pop(0)
            delay = 0.0
        except Exception:
            _log.exception("a course could not be written with files only", action="files_only_failed")
            delay = _FIRST_RETRY
        finally:
            await self._files.release(request.course_id)
            del self._running[request.course_id]
            # Also after the end: a message of the same request may have come since the last look.
            due = time.monotonic() + delay
            self._waiting += [_Waiting(delivery, request, due) for delivery in running.deliveries]
            self._on_ended()
            self.wake()

    async def _attempt(self, running: _Running) -> StoredResult | float:
        """The result of the course, or after how many seconds to try again. Raises `RequestIdConflict`."""
        request = running.request
        paths = self._mirror.output_paths(request.topic, request.grade_level, request.course_id)
        mine = str(request.course_id)
        if not self._files.has(request.course_id) and mine in (self._mirror.course_in(path) for path in paths if path):
            _log.info("the course was written before; the database knows more", action="files_only_known")
            return _LOOK_AGAIN
        body = running.deliveries[0].body
        claim = await self._files.begin(request, body)
        if claim is None:
            return _LOOK_AGAIN
        course = await self._files.course(request.course_id)
        if course is not None and course.result is not None:
            return course.result
        _log.warning(
            "the database is away: a course is written with files only",
            action="files_only_begun",
            attempt=claim.attempt,
            saved_lessons=len(claim.saved_lessons),
        )
        if claim.attempt == 1:
            await self._publish([_processing(claim)])
        calls: list[ModelCall] = []
        try:
            return await self._written(claim, calls)
        finally:
            # Also where this is cancelled: what was paid is on record.
            await self._files.save_calls(claim, calls)

    async def _written(self, claim: Claim, calls: list[ModelCall]) -> StoredResult | float:
        if claim.attempt > self._settings.course.max_attempts:
            return await self._failed(
                claim, ErrorCode.ATTEMPTS_EXHAUSTED, f"Given up after {claim.attempt - 1} attempts"
            )
        deadline = self._settings.course.deadline
        try:
            async with asyncio.timeout(deadline):
                outcome: Outcome = await self._generator.generate(claim, calls)
        except TimeoutError:
            outcome = Broken(f"the course took longer than {deadline:g} s")
        match outcome:
            case Finished():
                self._gate.open()
                return await self._finished(claim)
            case Failed(code, message):
                if code in (ErrorCode.MODEL_REFUSED, ErrorCode.MODEL_OUTPUT_INVALID):
                    self._gate.open()
                return await self._failed(claim, code, message)
            case Postponed(message, delay, access_denied):
                if access_denied:
                    self._gate.shut(message)
                await self._files.refund(claim)
                _log.warning("the model is away; the course waits", action="files_only_postponed", delay=delay)
                return delay
            case HandedBack():
                await self._files.refund(claim)
                return _LOOK_AGAIN
            case Broken(message, detail):
                _log.error("an attempt broke", action="files_only_broken", error=self._shown(detail or message))
                if claim.attempt >= self._settings.course.max_attempts:
                    return await self._failed(claim, ErrorCode.INTERNAL, message)
                return backoff(claim.attempt, _FIRST_RETRY, _LONGEST_RETRY)
            case Lost():
                return _LOOK_AGAIN
            case _:
                assert_never(outcome)

    async def _finished(self, claim: Claim) -> StoredResult:
        document = await self._files.document(claim.course_id)
        assert document is not None
        short, long = self._mirror.output_paths(claim.wanted["topic"], claim.wanted["grade_level"], claim.course_id)
        assert short is not None and long is not None
        path = short if self._mirror.course_in(short) in (None, str(claim.course_id)) else long
        await until_written(lambda: self._mirror.write(path, document))
        message = SuccessMessage(
            request_id=claim.request_id,
            user_id=claim.user_id,
            course_id=claim.course_id,
            course_title=document["title"],
            total_lessons=document["total_lessons"],
            message="Course generated successfully",
            output_path=path,
            stored_in="files",
            usage=document["usage"],
            quality=document["quality"],
            timestamp=datetime.now(UTC),
        )
        result = StoredResult(
            message=message, message_id=success_message_id(claim.course_id), ended_at=message.timestamp
        )
        await self._files.save_result(claim, result)
        _log.info("the course is written with files only", action="files_only_ready", output_path=path)
        return result

    async def _failed(self, claim: Claim, code: ErrorCode, text: str) -> StoredResult:
        message = ErrorMessage(
            request_id=claim.request_id,
            user_id=claim.user_id,
            course_id=claim.course_id,
            error_code=code,
            retryable=code.retryable,
            message=self._shown(text),
            timestamp=datetime.now(UTC),
        )
        result = StoredResult(message=message, message_id=uuid4(), ended_at=message.timestamp)
        await self._files.save_result(claim, result)
        _log.error("the course failed", action="course_failed", error_code=code.value, error=message.message)
        return result

    async def _conclude(self, running: _Running, result: StoredResult) -> None:
        message = _status(result.message, result.message_id)
        await self._publish([message])
        crash_point("files_published")
        while running.deliveries:  # others of the same request may join until the last look
            delivery = running.deliveries.pop(0)
            if delivery.reply is not None:
                await self._publish([message.as_reply(delivery.reply)])
            delivery.acknowledge()

    async def _refuse(self, delivery: Delivery, error: CourseError) -> None:
        """Answers a request that makes no course, as intake does through the outbox."""
        request_id, user_id = identifiers(delivery.body, delivery.message_id)
        messages = refusal_messages(error, request_id, user_id, delivery.reply)
        if not isinstance(error, RequestIdConflict):
            messages.append(rejected_body(error, delivery.body, request_id))
        await self._publish(messages)
        delivery.acknowledge()
        _log.warning(
            "a request is refused",
            action="request_refused",
            request_id=request_id,
            error_code=error.code.value,
            error=str(error),
            bytes=len(delivery.body),
        )

    async def _publish(self, messages: Sequence[Message]) -> None:
        """Returns when the broker has confirmed each of them, however long that takes."""
        waiting, failures = list(messages), 0
        while True:
            publications = [message.publication(self._settings.rabbitmq) for message in waiting]
            outcomes = await self._publisher.publish(publications)
            waiting = [
                message for message, outcome in zip(waiting, outcomes, strict=True) if not _done(message, outcome)
            ]
            if not waiting:
                return
            failures += 1
            delay = backoff(failures, 1.0, _LONGEST_PUBLISH_DELAY)
            _log.error(
                "a message can't be published yet",
                action="publish_failed",
                error=", ".join(sorted({outcome.name.lower() for outcome in outcomes})),
                retry_in=round(delay, 1),
            )
            await asyncio.sleep(delay)

    def _shown(self, text: str) -> str:
        return printable(self._redact(text))


def _status(message: ProcessingMessage | SuccessMessage | ErrorMessage, message_id: UUID) -> Message:
    return Message(
        destination="status",
        message_id=message_id,
        correlation_id=message.request_id,
        type=f"course.{message.status}",
        body=message.encoded(),
    )


def _done(message: Message, outcome: Published) -> bool:
    if outcome is Published.UNROUTABLE and message.destination == "reply":
        _log.warning("nobody waits for the reply; it is dropped", action="reply_dropped", destination="reply")
        return True
    return outcome is Published.CONFIRMED


def _processing(claim: Claim) -> Message:
    message = ProcessingMessage(
        request_id=claim.request_id,
        user_id=claim.user_id,
        course_id=claim.course_id,
        message=f"Generating course for '{claim.wanted['topic']}'",
        timestamp=datetime.now(UTC),
    )
    return _status(message, uuid4())
