"""Remembers which courses are in the database, for the time that it is away."""

from uuid import UUID

_MOST = 20_000
"""How many ids are kept; the oldest go first. They take some 3 MB."""


class AcceptedCourses:
    """The courses that this process has seen in the database."""

    def __init__(self) -> None:
        self._ids: dict[UUID, None] = {}

    def add(self, course_id: UUID) -> None:
        """Notes that the database has this course."""
        self._ids[course_id] = None
        if len(self._ids) > _MOST:
            del self._ids[next(iter(self._ids))]

    def __contains__(self, course_id: UUID) -> bool:
        return course_id in self._ids
