"""A message from the request queue, on its way through the worker."""

from collections.abc import Callable
from dataclasses import dataclass

from src.domain.request import CourseRequest, IdentifiedRequest
from src.services.messages import ReplyAddress


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as it came, and how to acknowledge it."""

    body: bytes
    message_id: str | None
    """Only where it can serve as a request_id."""
    priority: int | None
    redelivered: bool
    reply: ReplyAddress | None
    is_current: Callable[[], bool]
    """False: its channel is closed, so the broker has given the message to somebody else or will."""
    acknowledge: Callable[[], None]

    def request(self, max_lessons: int) -> IdentifiedRequest:
        """The request in it; raises `InvalidRequest`."""
        return CourseRequest.parse(self.body, max_lessons).completed(self.message_id, self.priority)
