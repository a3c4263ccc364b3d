"""Answers to requests that make no course, while the database is away."""

import asyncio

import structlog

from src.consumers.delivered_request import delivered_identifiers, reply_address
from src.domain.errors import CourseError, RequestIdConflict
from src.domain.message import refusal_messages, rejected_body
from src.services.broker.announcer import Announcer
from src.services.broker.consumer import Delivery

_log = structlog.get_logger(__name__)


class Refusals:
    """Refuses requests as intake does through the outbox, and acknowledges their messages."""

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, delivery: Delivery, error: CourseError) -> None:
        """Refuses by itself: a queue that takes no answers now must not keep other requests waiting."""
        task = asyncio.create_task(self.refuse(delivery, error), name="refusal")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self) -> None:
        """Leaves the messages that are not answered yet to their next delivery."""
        for task in self._tasks:
            task.cancel()

    async def refuse(self, delivery: Delivery, error: CourseError) -> None:
        """Returns when the answer is published, however long that takes, or when the message is somebody else's."""
        request_id, user_id = delivered_identifiers(delivery)
        messages = refusal_messages(error, request_id, user_id, reply_address(delivery))
        if not isinstance(error, RequestIdConflict):
            messages.append(rejected_body(error, delivery.body, request_id))
        # Once its delivery is over it comes again, and is refused then.
        if not await self._announcer.announce(messages, wanted=delivery.is_current):
            return
        delivery.acknowledge()
        _log.warning(
            "a request is refused",
            action="request_refused",
            request_id=request_id,
            error_code=error.code.value,
            error=str(error),
            bytes=len(delivery.body),
        )
