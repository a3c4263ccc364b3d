"""A message from the request queue, on its way through the worker."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

from src.domain.message import ReplyAddress
from src.domain.request import CourseRequest, IdentifiedRequest


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
    made_up_id: str = field(default_factory=lambda: str(uuid4()))
    """Of a request that has none: the same however often this delivery is looked at."""

    def request(self, max_lessons: int) -> IdentifiedRequest:
        """The request in it; raises `InvalidRequest`."""
        return CourseRequest.parse(self.body, max_lessons).completed(self.message_id, self.priority, self.made_up_id)
