"""Takes courses from workers that are gone."""

from collections.abc import Callable

import structlog

from src.config import CourseSettings, WorkerSettings
from src.domain.status import CourseStatus
from src.services.database.worker_registry import WorkerRegistry
from src.services.duty import Duty

_log = structlog.get_logger(__name__)


class Rescuer(Duty):
    """Looks a few times per lease. Every worker does; each course is rescued by one of them."""

    def __init__(
        self,
        registry: WorkerRegistry,
        worker: WorkerSettings,
        course: CourseSettings,
        on_rescued: Callable[[], None],
    ) -> None:
        super().__init__(worker.lease / 3)
        self._registry = registry
        self._max_attempts = course.max_attempts
        # A living worker ends its slots at the deadline by itself; only one that fails to is cut off.
        self._deadline = course.deadline + worker.lease
        self._on_rescued = on_rescued

    async def turn(self) -> None:
        """Frees what is lost, and fails what has no attempt left."""
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
            self._on_rescued()
