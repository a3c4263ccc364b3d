"""What this process knows of the database's courses while the database is away."""

from uuid import UUID

_MOST = 20_000
"""Ids that are kept, the latest ones: some 3 MB."""


class AcceptedCourses:
    """Courses that are in the database, as this process has seen itself."""

    def __init__(self) -> None:
        self._ids: dict[UUID, None] = {}

    def add(self, course_id: UUID) -> None:
        """The database has this course."""
        self._ids[course_id] = None
        if len(self._ids) > _MOST:
            del self._ids[next(iter(self._ids))]

    def __contains__(self, course_id: UUID) -> bool:
        return course_id in self._ids
