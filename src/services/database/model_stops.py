"""Why no course is claimed, as it is on record for all workers that ask the same model's server.

The first course that finds out begins a stop. Now and then one course is let through; if the model answers it, the stop
is lifted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from src.domain.course import Lease, Stop
from src.domain.model_call import ModelCall
from src.services.database.statements import sql


@dataclass(frozen=True, slots=True)
class ServerName:
    """The name under which workers share what they know of a model's server."""

    name: str
    by_lessons_alone: bool = False
    """Whether only an answer to a lesson shows that the server is well, as outlines are asked of another model."""

    def has_answered(self, calls: Sequence[ModelCall]) -> bool:
        """Returns whether these calls show that the model answers."""
        telling = ("lesson",) if self.by_lessons_alone else ("lesson", "outline")
        return any(call.purpose in telling and not call.outcome.startswith("error") for call in calls)


ANY_SERVER = ServerName("the model's server")


def stop_of(connection: Connection, server: ServerName) -> Stop | None:
    """Returns the reason why no course is claimed; None if there is none."""
    row = connection.execute(sql("model_stop"), {"server": server.name}).one_or_none()
    return None if row is None else Stop(row.kind, row.reason)


def take_trial(connection: Connection, server: ServerName, max_attempts: int) -> UUID | None:
    """Returns the course that may be claimed all the same; None if it is too early for one, or none is due."""
    values = {"server": server.name, "max_attempts": max_attempts}
    found: UUID | None = connection.execute(sql("take_trial"), values).scalar_one_or_none()
    return found


def begin_stop(connection: Connection, server: ServerName, lease: Lease, stop: Stop) -> None:
    """Notes that no course can be written, as the one of `lease` has found out."""
    values = {"server": server.name, "kind": stop.kind, "reason": stop.reason}
    connection.execute(sql("begin_stop"), {**values, "course_id": lease.course_id, "user_id": lease.user_id})


def lift_stop(connection: Connection, server: ServerName, lease: Lease) -> None:
    """Notes that the model has answered the course of `lease`, which was let through."""
    connection.execute(sql("lift_stop"), {"server": server.name, "course_id": lease.course_id})
