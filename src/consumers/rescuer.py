"""Takes courses from workers that are gone."""

import structlog

from src.config import CourseSettings, WorkerSettings
from src.domain.status import CourseStatus
from src.services.database.worker_registry import WorkerRegistry
from src.services.duty import Duty
from src.services.wakeups import WakeUps

_log = structlog.get_logger(__name__)


class Rescuer(Duty):
    """Looks for lost courses a few times per lease. Every worker does; each course is rescued by one of them."""

    def __init__(
        self, registry: WorkerRegistry, worker: WorkerSettings, course: CourseSettings, wakeups: WakeUps
    ) -> None:
        super().__init__(worker.lease / 3)
        self._registry = registry
        self._max_attempts = course.max_attempts
        # A living worker ends its slots at the deadline by itself; only one that fails to is cut off.
        self._deadline = course.deadline + worker.lease
        self._wakeups = wakeups

    async def turn(self) -> None:
        """Frees the courses of workers that are gone, and fails those that have no attempt left."""
        rescues = await self._registry.rescue(self._max_attempts, self._deadline)
        for rescue in rescues:
            action = "course_rescued" if rescue.status is CourseStatus.QUEUED else "course_exhausted"
            _log.warning(
                "a course was taken from a worker that is gone",
                action=action,
                course_id=str(rescue.course_id),
                attempt=rescue.attempt,
                from_worker=str(rescue.worker),
            )
        if rescues:
            self._wakeups.courses_waiting.ring()
            self._wakeups.messages_waiting.ring()  # results of the courses that have no attempt left
