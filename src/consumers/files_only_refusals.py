"""Answers requests that are refused while the database is away."""

import asyncio

from src.consumers.delivered_request import RequestRules, log_refusal
from src.domain.errors import CourseError
from src.services.broker.announcer import Announcer
from src.services.broker.consumer import Delivery


class Refusals:
    """Refuses requests with the messages that intake would put into the outbox, and acknowledges them."""

    def __init__(self, announcer: Announcer, rules: RequestRules) -> None:
        self._announcer = announcer
        self._rules = rules
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, delivery: Delivery, error: CourseError) -> None:
        """Refuses in a task of its own, as a queue that takes no answers now must not keep other requests waiting."""
        task = asyncio.create_task(self.refuse(delivery, error), name="refusal")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self) -> None:
        """Leaves the messages that are not answered yet to their next delivery."""
        for task in self._tasks:
            task.cancel()

    async def refuse(self, delivery: Delivery, error: CourseError) -> None:
        """Publishes the answer, however long that takes, and acknowledges. Gives up when the delivery is over."""
        messages = self._rules.refusal(delivery, error)
        # A message whose delivery is over comes again, and is refused then.
        if not await self._announcer.announce(messages, wanted=delivery.is_current):
            return
        delivery.acknowledge()
        log_refusal(delivery, error)
