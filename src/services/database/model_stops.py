"""Why no course is claimed, as it is on record for all workers that ask the same model's server.

The first course that finds out begins a stop. Now and then one course is let through; if the model answers it, the stop
is lifted.
"""

from collections.abc import Collection, Sequence
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
    has_one_model: bool = True
    """Whether outlines are asked of the model that lessons are asked of."""


ANY_SERVER = ServerName("the model's server")


def stop_of(connection: Connection, server: ServerName) -> Stop | None:
    """Returns the reason why no course is claimed; None if there is none."""
    row = connection.execute(sql("model_stop"), {"server": server.name}).one_or_none()
    return None if row is None else Stop(row.kind, row.reason, row.since)


def take_trial(connection: Connection, server: ServerName, max_attempts: int) -> UUID | None:
    """Returns the course that may be claimed all the same; None if it is too early for one, or none is due."""
    values = {"server": server.name, "max_attempts": max_attempts}
    found: UUID | None = connection.execute(sql("take_trial"), values).scalar_one_or_none()
    return found


def begin_stop(
    connection: Connection, server: ServerName, lease: Lease, stop: Stop, calls: Sequence[ModelCall]
) -> None:
    """Notes that no course can be written, as the one of `lease` has found out with the last of `calls`."""
    failed = [call.purpose for call in calls if call.outcome.startswith("error")]
    values = {
        "server": server.name,
        "kind": stop.kind,
        "reason": stop.reason,
        "purpose": failed[-1] if failed else "search",
    }
    connection.execute(sql("begin_stop"), {**values, "course_id": lease.course_id, "user_id": lease.user_id})


def note_answers(connection: Connection, server: ServerName, lease: Lease, calls: Sequence[ModelCall]) -> None:
    """Notes what the model has answered to the course of `lease`, if that was let through or is watched."""
    answered = _answered(calls, server)
    if not answered:
        return
    if lease.trial_since is not None:
        values = {"server": server.name, "course_id": lease.course_id, "since": lease.trial_since}
        connection.execute(sql("lift_stop"), {**values, "answered": sorted(answered)})
    if lease.is_refused_alone and "lesson" in answered:
        connection.execute(sql("clear_refusal"), {"course_id": lease.course_id})


def _answered(calls: Sequence[ModelCall], server: ServerName) -> Collection[str]:
    """Returns what the model has answered: a lesson is harder than an outline, if both are asked of one model."""
    purposes = {call.purpose for call in calls if not call.outcome.startswith("error")} - {"search"}
    return purposes | {"outline"} if "lesson" in purposes and server.has_one_model else purposes
