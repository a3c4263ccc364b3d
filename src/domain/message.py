"""Messages that leave the process, and where each goes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, Self
from uuid import UUID, uuid4

from src.domain.errors import CourseError, LimitExceeded, RequestIdConflict
from src.domain.request import WholeBody
from src.domain.result import refusal

_DIRECT_REPLY_TO = "amq.rabbitmq.reply-to"
# Queues that a client had the broker name.
_NAMED_BY_THE_BROKER = "amq.gen-"
SHORT_STRING_BYTES = 255
"""The most that a property or a routing key may have: AMQP 0-9-1, section 4.2.5.3, gives its length one byte."""


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

    @property
    def is_direct_reply(self) -> bool:
        """Whether it is a reply by RabbitMQ's direct reply-to."""
        return self.destination == "reply" and is_direct(self.routing_key or "")

    def as_reply(self, address: ReplyAddress) -> Self:
        """Returns the same message for the queue of a requester who wants a reply."""
        return replace(
            self, destination="reply", routing_key=address.queue, correlation_id=address.correlation_id, headers={}
        )


def is_short(text: str | None) -> bool:
    """Returns whether AMQP has room for `text` in a property or as a routing key."""
    return text is None or len(text.encode()) <= SHORT_STRING_BYTES


def is_direct(address: str) -> bool:
    """Returns whether a `reply_to` is one of RabbitMQ's direct reply-to, which leads to a channel and into no queue.

    The broker returns such a message as unroutable even if it has delivered it, so it must not be mandatory.
    https://www.rabbitmq.com/docs/direct-reply-to
    """
    return address.startswith(_DIRECT_REPLY_TO)


def refusal_messages(
    error: CourseError, request_id: str | None, user_id: UUID | None, reply: ReplyAddress | None
) -> list[Message]:
    """Returns the error status of a request that makes no course, and the reply if one was asked for."""
    body = refusal(request_id, user_id, error, datetime.now(UTC)).encoded()
    status = Message(destination="status", correlation_id=request_id, type="course.error", body=body)
    return [status] if reply is None else [status, status.as_reply(reply)]


def request_refused(
    error: CourseError,
    request_id: str | None,
    user_id: UUID | None,
    reply: ReplyAddress | None,
    body: bytes,
    cut_from: WholeBody | None = None,
) -> list[Message]:
    """Returns all that is published about a request that makes no course, its body for the dead queue too.

    A body that is right in itself doesn't go there: it may be sent again as it is, or was answered before.
    """
    messages = refusal_messages(error, request_id, user_id, reply)
    if not isinstance(error, RequestIdConflict | LimitExceeded):
        messages.append(_rejected_body(error, body, request_id, cut_from))
    return messages


def reply_fault(reply_to: str, own_queues: Collection[str], allowed: Sequence[str]) -> str | None:
    """Returns what is wrong with a `reply_to`; None if a reply may go there.

    Whoever may publish a request has the worker write there with the worker's rights, which may be more than his own.
    `allowed`: what it must begin with, one of them, if there are any.
    """
    if reply_to in own_queues:
        return "reply_to: is a queue of the course generator itself"
    if reply_to.startswith("amq.") and not (reply_to.startswith(_NAMED_BY_THE_BROKER) or is_direct(reply_to)):
        return f"reply_to: of the names that begin with 'amq.', only {_NAMED_BY_THE_BROKER}… and {_DIRECT_REPLY_TO}"
    if allowed and not reply_to.startswith(tuple(allowed)):
        return "reply_to: is no queue that replies may go to (RABBITMQ_REPLY_TO_ALLOW)"
    return None if is_short(reply_to) else f"reply_to: has more than {SHORT_STRING_BYTES} bytes"


def _rejected_body(error: CourseError, body: bytes, request_id: str | None, cut_from: WholeBody | None) -> Message:
    headers: dict[str, Any] = {"x-error-code": error.code.value, "x-error-reason": str(error)}
    if cut_from is not None:
        headers |= {"x-body-bytes": cut_from.size, "x-body-sha256": cut_from.sha256}
    return Message(destination="dead", correlation_id=request_id, type="course.rejected", headers=headers, body=body)
