"""How many courses one user may have."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from src.domain.errors import ErrorCode, LimitExceeded
from src.services.database.statements import sql


@dataclass(frozen=True, slots=True)
class UserLimits:
    """How many courses a user may have open, and ask for within a minute; None if as many as he likes.

    They are counted without a lock, so that nobody waits. What is accepted at the same moment may pass.
    """

    open: int | None
    per_minute: int | None

    @property
    def are_set(self) -> bool:
        """Whether there is any limit."""
        return self.open is not None or self.per_minute is not None


NO_LIMITS = UserLimits(None, None)

_TOO_MANY_OPEN = "the user has {} courses that are not finished, and may have no more"
_TOO_MANY_NEW = "the user has asked for {} courses within a minute, and may ask for no more"


def check_limits(connection: Connection, user_id: UUID, new: UUID, limits: UserLimits) -> None:
    """Raises `LimitExceeded` if the user has as many courses as one may have beside the `new` one."""
    if not limits.are_set:
        return
    values = {"user_id": user_id, "course_id": new, "most_open": limits.open, "most_new": limits.per_minute}
    has = connection.execute(sql("count_users_courses"), values).one()
    if limits.open is not None and has.open >= limits.open:
        raise LimitExceeded(_TOO_MANY_OPEN.format(limits.open))
    if limits.per_minute is not None and has.new >= limits.per_minute:
        raise LimitExceeded(_TOO_MANY_NEW.format(limits.per_minute))


def fail_beyond_limits(connection: Connection, limits: UserLimits, courses: Sequence[str]) -> list[str]:
    """Fails those of `courses`, which have no turn yet, that were queued by plain SQL beyond the limits.

    Returns those that may have their turns. One that somebody has locked is left for another time.
    """
    if not limits.are_set:
        return list(courses)
    values = {
        "courses": courses,
        "most_open": limits.open,
        "most_new": limits.per_minute,
        "error_code": ErrorCode.LIMIT_EXCEEDED.value,
        "too_many_open": _TOO_MANY_OPEN.format(limits.open),
        "too_many_new": _TOO_MANY_NEW.format(limits.per_minute),
    }
    return [str(course_id) for course_id in connection.execute(sql("fail_beyond_limits"), values).scalars()]
