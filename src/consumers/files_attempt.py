"""One attempt at one course with files only: from the request to the result on disk."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import assert_never
from uuid import UUID, uuid4

import structlog

from src.config import CourseSettings
from src.consumers.model_breaker import ModelBreaker
from src.domain.backoff import backoff
from src.domain.course import Broken, Claim, Failed, Finished, HandedBack, Lost, Outcome, Postponed
from src.domain.errors import ErrorCode
from src.domain.files_course import StoredResult
from src.domain.message import Message
from src.domain.model_call import ModelCall
from src.domain.redaction import Redactor
from src.domain.request import IdentifiedRequest
from src.domain.result import ErrorMessage, ProcessingMessage, SuccessMessage, message_id_of
from src.domain.text import printable
from src.services.course_generator import CourseGenerator
from src.services.files.mirror import Mirror
from src.services.files.store import FilesStore, until_written

_log = structlog.get_logger(__name__)

LOOK_AGAIN = 2.0
"""Seconds, where another process has the course."""
_ONLY_THE_DATABASE_KNOWS = 60.0
"""Seconds, while it is away; when it is back its intake answers at once."""
_FIRST_RETRY = 5.0
_LONGEST_RETRY = 300.0


class FilesAttempt:
    """What the course worker's attempts are with the database. Holds nothing of a course, so one serves all slots."""

    def __init__(
        self,
        generator: CourseGenerator,
        files: FilesStore,
        mirror: Mirror,
        breaker: ModelBreaker,
        redact: Redactor,
        course: CourseSettings,
    ) -> None:
        self._generator = generator
        self._files = files
        self._mirror = mirror
        self._breaker = breaker
        self._redact = redact
        self._course = course

    async def run(
        self, request: IdentifiedRequest, body: bytes, on_begun: Callable[[Message], None]
    ) -> StoredResult | float:
        """The result of the course, or after how many seconds to try again. Raises `RequestIdConflict`.

        `body`: of the message that the request came in. `on_begun` gets what is to be announced when writing begins.
        Whatever the end, release the course in `files` after it.
        """
        paths = self._mirror.output_paths(request, request.course_id)
        mine = str(request.course_id)
        if not self._files.has(request.course_id) and mine in (self._mirror.course_in(path) for path in paths if path):
            _log.info("the course was written before; the database knows more", action="files_only_known")
            return _ONLY_THE_DATABASE_KNOWS
        claim = await self._files.begin(request, body)
        if claim is None:
            return LOOK_AGAIN
        course = await self._files.course(request.course_id)
        if course is not None and course.result is not None:
            return course.result
        _log.warning(
            "the database is away: a course is written with files only",
            action="files_only_begun",
            attempt=claim.attempt,
            saved_lessons=len(claim.saved_lessons),
        )
        on_begun(_processing(claim))
        calls: list[ModelCall] = []
        try:
            return await self._written(claim, calls)
        finally:
            # Also where this is cancelled: what was paid is on record.
            await self._files.save_calls(claim, calls)

    async def _written(self, claim: Claim, calls: list[ModelCall]) -> StoredResult | float:
        if claim.attempt > self._course.max_attempts:
            return await self._failed(
                claim, ErrorCode.ATTEMPTS_EXHAUSTED, f"Given up after {claim.attempt - 1} attempts"
            )
        deadline = self._course.deadline
        try:
            async with asyncio.timeout(deadline):
                outcome: Outcome = await self._generator.generate(claim, calls)
        except TimeoutError:
            outcome = Broken(f"the course took longer than {deadline:g} s")
        match outcome:
            case Finished():
                self._breaker.reset()
                return await self._finished(claim)
            case Failed(code, message):
                if code in (ErrorCode.MODEL_REFUSED, ErrorCode.MODEL_OUTPUT_INVALID):
                    self._breaker.reset()
                return await self._failed(claim, code, message)
            case Postponed(message, delay, code, access_denied):
                if access_denied:
                    self._breaker.trip(message)
                if code is not ErrorCode.MODEL_UNAVAILABLE:  # the sources are where the database is
                    delay = _ONLY_THE_DATABASE_KNOWS
                await self._files.refund(claim)
                reason = self._shown(message)
                _log.warning("the course waits", action="files_only_postponed", delay=delay, reason=reason)
                return delay
            case HandedBack():
                await self._files.refund(claim)
                return LOOK_AGAIN
            case Broken(message, detail):
                _log.error("an attempt broke", action="files_only_broken", error=self._shown(detail or message))
                if claim.attempt >= self._course.max_attempts:
                    return await self._failed(claim, ErrorCode.INTERNAL, message)
                return backoff(claim.attempt, _FIRST_RETRY, _LONGEST_RETRY)
            case Lost():
                return LOOK_AGAIN
            case _:
                assert_never(outcome)

    async def _finished(self, claim: Claim) -> StoredResult:
        document = await self._files.document(claim.course_id)
        assert document is not None
        short, long = self._mirror.output_paths(claim.brief, claim.course_id)
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
            message=message, message_id=message_id_of(claim.course_id, "course.success"), ended_at=message.timestamp
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

    def _shown(self, text: str) -> str:
        return printable(self._redact(text))


def status_message(message: ProcessingMessage | SuccessMessage | ErrorMessage, message_id: UUID) -> Message:
    """What goes to the status queue."""
    return Message(
        destination="status",
        message_id=message_id,
        correlation_id=message.request_id,
        type=f"course.{message.status}",
        body=message.encoded(),
    )


def _processing(claim: Claim) -> Message:
    message = ProcessingMessage(
        request_id=claim.request_id,
        user_id=claim.user_id,
        course_id=claim.course_id,
        message=f"Generating course for '{claim.brief.topic}'",
        timestamp=datetime.now(UTC),
    )
    # The next attempt, after a crash, says the same.
    return status_message(message, message_id_of(claim.course_id, "course.processing"))
