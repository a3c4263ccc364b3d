"""Makes one attempt at one course with files only, from the request to the result on disk."""

import asyncio
from collections.abc import Callable
from typing import assert_never

import structlog

from src.consumers.attempt import AttemptRunner
from src.domain.course import Claim, Failed, Finished, Lost, Released
from src.domain.files_course import StoredResult
from src.domain.request import IdentifiedRequest
from src.services.broker.announcer import Announcer
from src.services.files.results import processing_status
from src.services.files.store import FilesStore, NotBegun

_log = structlog.get_logger(__name__)

LOOK_AGAIN = 2.0
"""Seconds until the next look at a course that another process has."""
_ONLY_THE_DATABASE_KNOWS = 60.0
"""Seconds until the next look at a request that only the database can answer. When it is back, it does so at once."""


class FilesAttempt:
    """Begins courses with files only and runs attempts at them. It keeps no state of any course."""

    def __init__(self, files: FilesStore, runner: AttemptRunner, announcer: Announcer, shutdown: asyncio.Event) -> None:
        """`runner` must keep its record in `files`. `shutdown` is that of `AttemptRunner`."""
        self._files = files
        self._runner = runner
        self._announcer = announcer
        self._shutdown = shutdown

    async def run(
        self, request: IdentifiedRequest, body: bytes, on_concluding: Callable[[], None]
    ) -> StoredResult | float:
        """Returns the result of the course, or after how many seconds to try again. Raises as `FilesStore.begin` does.

        If anything was written, the message that the writing begins is published by then, unless the process stops
        without a result. `body` is that of the message with the request; `on_concluding` is that of
        `AttemptRunner.run`. However this ends, the caller unlocks the course in `files` after it.
        """
        begun = await self._files.begin(request, body)
        match begun:
            case StoredResult():
                return begun
            case NotBegun.BUSY:
                return LOOK_AGAIN
            case NotBegun.KNOWN:
                _log.info("the course was written before; the database knows more", action="files_only_known")
                return _ONLY_THE_DATABASE_KNOWS
            case Claim():
                return await self._written(begun, on_concluding)
            case _:
                assert_never(begun)

    async def _written(self, claim: Claim, on_concluding: Callable[[], None]) -> StoredResult | float:
        structlog.contextvars.bind_contextvars(attempt=claim.attempt)
        _log.warning(
            "the database is away: a course is written with files only",
            action="files_only_begun",
            saved_lessons=len(claim.saved_lessons),
        )
        announcing = asyncio.create_task(self._announcer.announce([processing_status(claim)]))
        try:
            end = await self._runner.run(claim, on_concluding)
            # The messages about a course go out in order. Only a process that stops without a result doesn't wait for
            # the broker: the next attempt announces the beginning again.
            if isinstance(end, Finished | Failed) or not self._shutdown.is_set():
                await announcing
        finally:
            announcing.cancel()
        match end:
            case Finished() | Failed():
                result = await self._files.result(claim.course_id)
                assert result is not None
                return result
            case Released():
                return end.delay
            case Lost():
                return LOOK_AGAIN
            case _:
                assert_never(end)
