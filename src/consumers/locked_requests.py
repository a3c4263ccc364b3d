"""Sets requests aside that wait for somebody's lock, and takes them in when the lock is gone."""

import time
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from src.domain.errors import RequestLocked
from src.services.broker.consumer import Delivery
from src.services.database.set_aside import RequestsSetAside, SetAsideRequest
from src.services.duty import Duty

_log = structlog.get_logger(__name__)

# How many users' requests are tried in one transaction.
_BATCH = 50
# For how many seconds no other worker tries one that this worker is trying.
_CLAIM_SECONDS = 60.0
# After how many seconds a user whose rows are locked is tried again.
_RETRY = 5.0


class LockedRequests(Duty):
    """Keeps requests of users whose rows are locked in a table of its own, where they hold up nobody.

    So a message that waits for a lock fills neither the prefetch nor the process's memory.
    """

    def __init__(self, requests: RequestsSetAside, handle: Callable[[Delivery], Awaitable[bool]]) -> None:
        """`handle` takes one message in, returns whether that is committed, and raises `RequestLocked` if it can't."""
        super().__init__(_RETRY)
        self._requests = requests
        self._handle = handle
        self._locked_until: dict[UUID, float] = {}
        """The users whose rows were locked at the last try, with the time of the next, by `time.monotonic`."""

    @property
    def are_none(self) -> bool:
        """Whether no user was locked lately, as nearly always."""
        return not self._locked_until

    def is_locked(self, user_id: UUID) -> bool:
        """Returns whether to set requests of this user aside without a try."""
        return self._locked_until.get(user_id, 0.0) > time.monotonic()

    async def put(self, delivery: Delivery, user_id: UUID) -> None:
        """Sets a message aside. After that it can be acknowledged."""
        if not self.is_locked(user_id):
            # No alarm yet: it may be a lock of ordinary work, which is gone at the next try.
            self._locked_until[user_id] = time.monotonic() + _RETRY
        request = SetAsideRequest(
            user_id=user_id,
            delivery_id=delivery.id,
            body=delivery.body,
            message_id=delivery.message_id,
            correlation_id=delivery.correlation_id,
            reply_to=delivery.reply_to,
            priority=delivery.priority,
            redelivered=delivery.redelivered,
        )
        await self._requests.put(request, _RETRY)
        _log.info("a request is set aside", action="request_set_aside", user_id=str(user_id))

    async def turn(self) -> None:
        """Tries the first request of each user, and goes on with the next as long as one succeeds."""
        now = time.monotonic()
        self._locked_until = {user_id: until for user_id, until in self._locked_until.items() if until > now}
        succeeded = True
        while succeeded:
            succeeded = False
            for request in await self._requests.take(_BATCH, _CLAIM_SECONDS):
                succeeded |= await self._try(request)

    async def _try(self, request: SetAsideRequest) -> bool:
        delivery = Delivery(
            body=request.body,
            routing_key="",
            message_id=request.message_id,
            correlation_id=request.correlation_id,
            reply_to=request.reply_to,
            priority=request.priority,
            redelivered=request.redelivered,
            is_current=lambda: True,
            acknowledge=lambda: None,
            id=request.delivery_id,
        )
        try:
            if not await self._handle(delivery):
                return False  # its course is being written with files only; it is looked at again later
        except RequestLocked:
            self._locked_until[request.user_id] = time.monotonic() + _RETRY
            await self._requests.delay(request, _RETRY)
            await self._raise_alarm(request.user_id)
            return False
        await self._requests.delete(request)
        return True

    async def _raise_alarm(self, user_id: UUID) -> None:
        try:
            holders = [f"pid {holder.pid} of {holder.role}" for holder in await self._requests.holders()]
        except SQLAlchemyError as error:
            holders = [f"unknown: {type(error).__name__}"]
        _log.error(
            "requests wait for a lock that another session holds",
            action="intake_locked",
            user_id=str(user_id),
            holders=holders,
        )
