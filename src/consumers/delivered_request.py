"""Reads a message of the request queue, its body and its properties together."""

from uuid import UUID

from src.domain.message import ReplyAddress
from src.domain.request import CourseRequest, IdentifiedRequest, identifiers, valid_request_id
from src.services.broker.consumer import Delivery


def delivered_request(delivery: Delivery, max_lessons: int) -> IdentifiedRequest:
    """Returns the request in a message. Raises `InvalidRequest`.

    A request without any id is given one, which is the same each time that this delivery is read.
    """
    request = CourseRequest.parse(delivery.body, max_lessons)
    return request.completed(valid_request_id(delivery.message_id), delivery.priority, str(delivery.id))


def delivered_identifiers(delivery: Delivery) -> tuple[str | None, UUID | None]:
    """Returns the request_id and user_id of an invalid request, each None unless it is valid itself."""
    return identifiers(delivery.body, valid_request_id(delivery.message_id))


def reply_address(delivery: Delivery) -> ReplyAddress | None:
    """Returns where a reply goes; None if `reply_to` is absent or can't be a queue's name."""
    return ReplyAddress(delivery.reply_to, delivery.correlation_id) if delivery.reply_to else None
