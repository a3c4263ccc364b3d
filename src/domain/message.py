"""Messages that leave the process, and where each goes."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, Self
from uuid import UUID, uuid4

from src.domain.errors import CourseError
from src.domain.result import refusal

DIRECT_REPLY_TO = "amq.rabbitmq.reply-to"
"""What the addresses of RabbitMQ's direct reply-to begin with. https://www.rabbitmq.com/docs/direct-reply-to"""


@dataclass(frozen=True, slots=True)
class ReplyAddress:
    """Where a requester wants the final result, beside the status queue."""

    queue: str
    correlation_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message to be published. Its `destination` says where it goes:

    - `status`: to the exchange, with the status routing key.
    - `reply`: to the queue that `routing_key` names.
    - `dead`: to the queue of rejected requests.
    - `event`: to the exchange, with `routing_key`, whether or not a queue takes it there. Events with the same
      `order_key` are published in the order in which they were put into the outbox.

    Other destinations have no `routing_key` and no `order_key`.
    """

    destination: Literal["status", "reply", "dead", "event"]
    routing_key: str | None = None
    order_key: str | None = None
    message_id: UUID = field(default_factory=uuid4)
    correlation_id: str | None
    type: str
    headers: dict[str, Any] = field(default_factory=dict)
    body: bytes

    def as_reply(self, address: ReplyAddress) -> Self:
        """Returns the same message for the queue of a requester who wants a reply."""
        return replace(
            self, destination="reply", routing_key=address.queue, correlation_id=address.correlation_id, headers={}
        )


def refusal_messages(
    error: CourseError, request_id: str | None, user_id: UUID | None, reply: ReplyAddress | None
) -> list[Message]:
    """Returns the error status of a request that makes no course, and the reply if one was asked for."""
    body = refusal(request_id, user_id, error, datetime.now(UTC)).encoded()
    status = Message(destination="status", correlation_id=request_id, type="course.error", body=body)
    return [status] if reply is None else [status, status.as_reply(reply)]


def rejected_body(error: CourseError, body: bytes, request_id: str | None) -> Message:
    """Returns the request itself as a message for the queue of rejected requests."""
    headers = {"x-error-code": error.code.value, "x-error-reason": str(error)}
    return Message(destination="dead", correlation_id=request_id, type="course.rejected", headers=headers, body=body)
