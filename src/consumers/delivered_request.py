"""Reads a message of the request queue, its body and its properties together, by the rules of this worker."""

from dataclasses import dataclass
from uuid import UUID

import structlog

from src.config import Settings
from src.domain.errors import CourseError, InvalidRequest
from src.domain.message import Message, ReplyAddress, reply_fault, request_refused
from src.domain.request import MAX_BODY_BYTES, CourseRequest, IdentifiedRequest, identifiers, valid_request_id
from src.services.broker.consumer import Delivery

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RequestRules:
    """What a requester may choose."""

    max_lessons: int
    max_priority: int
    own_queues: frozenset[str]
    """Queues to which no reply goes: what the worker itself or an operator reads there is no result."""
    reply_to_allow: tuple[str, ...]
    """What a `reply_to` must begin with, one of them; empty if anything will do."""

    @classmethod
    def of(cls, settings: Settings) -> "RequestRules":
        """Returns the rules that the settings make."""
        broker = settings.rabbitmq
        own = frozenset({broker.queue_generation, broker.queue_status, broker.queue_dead})
        return cls(settings.max_lessons, settings.max_priority, own, broker.reply_to_allow)

    def request(self, delivery: Delivery) -> IdentifiedRequest:
        """Returns the request in a message. Raises an `InvalidRequest` that names every wrong field.

        A request without any id is given one, which is the same each time that this delivery is read.
        """
        faults = [fault] if (fault := self._reply_fault(delivery)) else []
        try:
            request = self._parsed(delivery)
        except InvalidRequest as error:
            raise InvalidRequest([*error.faults, *faults]) from None
        if faults:
            raise InvalidRequest(faults)
        return request.completed(
            valid_request_id(delivery.message_id), delivery.priority, str(delivery.id), self.max_priority
        )

    def reply_address(self, delivery: Delivery) -> ReplyAddress | None:
        """Returns where a reply goes; None if none is wanted, or not there."""
        if not delivery.reply_to or self._reply_fault(delivery):
            return None
        return ReplyAddress(delivery.reply_to, delivery.correlation_id)

    def refusal(self, delivery: Delivery, error: CourseError) -> list[Message]:
        """Returns what is published if a message makes no course: the error status and, if wanted, reply and body."""
        request_id, user_id = delivered_identifiers(delivery)
        return request_refused(
            error, request_id, user_id, self.reply_address(delivery), delivery.body, delivery.cut_from
        )

    def _parsed(self, delivery: Delivery) -> CourseRequest:
        if (whole := delivery.cut_from) is not None:
            raise InvalidRequest([f"body: {whole.size} bytes where at most {MAX_BODY_BYTES} are accepted"])
        return CourseRequest.parse(delivery.body, self.max_lessons, delivery.header_names)

    def _reply_fault(self, delivery: Delivery) -> str | None:
        return reply_fault(delivery.reply_to, self.own_queues, self.reply_to_allow) if delivery.reply_to else None


def delivered_identifiers(delivery: Delivery) -> tuple[str | None, UUID | None]:
    """Returns the request_id and user_id of an invalid request, each None unless it is valid itself."""
    message_id = valid_request_id(delivery.message_id)
    return (message_id, None) if delivery.cut_from is not None else identifiers(delivery.body, message_id)


def log_refusal(delivery: Delivery, error: CourseError) -> None:
    """Writes the line for a request that was refused."""
    _log.warning(
        "a request is refused",
        action="request_refused",
        request_id=delivered_identifiers(delivery)[0],
        error_code=error.code.value,
        error=str(error),
        bytes=len(delivery.body) if delivery.cut_from is None else delivery.cut_from.size,
    )
