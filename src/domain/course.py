"""A course in the hands of a worker: what an attempt at it begins with, and how it ends."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Self, assert_never
from uuid import UUID

from src.domain.backoff import backoff
from src.domain.errors import ErrorCode
from src.domain.outline import Outline
from src.domain.request import CourseBrief

# Seconds. After an unexpected error a course is tried again soon, then later and later.
_FIRST_RETRY = 5.0
_LONGEST_RETRY = 300.0
LONGEST_DELAY = 1800.0
"""The seconds for which a course is put off at most, whatever a server asks for."""
_STOPPED = "the worker stopped"

StopKind = Literal["setting", "unknown", "host", "moment"]
"""Why no course can be written: until an operator acts, for a reason that no rule knows, because this host can't reach
the server until an operator acts, or as long as the server is away.
"""


@dataclass(frozen=True, slots=True)
class Stop:
    """The reason why no course is claimed."""

    kind: StopKind
    reason: str
    since: datetime | None = None
    """When it began, by the database's clock; None if it isn't on record."""

    @property
    def is_local(self) -> bool:
        """Whether it says something of this process alone. Others may reach the server all the same."""
        return self.kind in ("host", "moment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right of one attempt to write to a course, which no other has, and how far earlier attempts came."""

    course_id: UUID
    lease_id: UUID
    attempt: int
    """The number of the attempt, counted from 1."""
    user_id: UUID
    request_id: str | None
    saved_lessons: frozenset[int]
    """Numbers of the lessons that earlier attempts have saved."""
    postponements: int
    """How often in a row the course went back because the model or the sources were away."""
    postponed_for: float
    """Seconds since it went back for the first of these times; 0 if it didn't."""
    tokens: int
    """Input and output tokens that earlier attempts have used, as far as they are on record."""
    trial_since: datetime | None = None
    """When the stop began for which it was let through, to see whether the model answers again; None if there is none.
    """
    is_refused_alone: bool = False
    """Whether the model's server refused it as if it refused everything, and has answered another course since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Lease):
    """A lease of a course that can be written, with what it should be about."""

    brief: CourseBrief
    outline: Outline | None
    """The outline, if an earlier attempt has saved it."""


# The outcomes of writing a course are frozen values; exceptions are for the unexpected.


@dataclass(frozen=True, slots=True)
class Finished:
    """Every lesson is saved: the course can become READY."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The course can't be written."""

    code: ErrorCode
    message: str
    """What upstream services are told."""
    detail: str = ""
    """What operators are told, if that is more."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """The model or the sources are away. The course isn't at fault, so the attempt doesn't count."""

    message: str
    delay: float
    """Seconds until the next try."""
    code: ErrorCode = ErrorCode.MODEL_UNAVAILABLE
    """The code that the course fails with if this lasts too long; `internal` if the sources are away."""
    stop: StopKind | None = None
    """Why no other course can be written either; then claiming stops."""


@dataclass(frozen=True, slots=True)
class HandedBack:
    """The process stops, so the attempt doesn't count."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The lease is gone: there is nothing to record."""


@dataclass(frozen=True, slots=True)
class Broken:
    """An unexpected error ended the attempt, which counts. The course is tried again until no attempt is left."""

    message: str
    """What upstream services are told; nothing about the inside of this program."""
    detail: str = ""
    """What operators are told."""

    @classmethod
    def by(cls, error: Exception) -> Self:
        """Returns the outcome of an error that nobody foresaw.

        For a database error the detail is the driver's text, as SQLAlchemy's includes the statement.
        """
        said = str(getattr(error, "orig", None) or error)
        return cls("an unexpected error; the history of the course says which", f"{type(error).__name__}: {said}")


Outcome = Finished | Failed | Postponed | HandedBack | Lost | Broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable(Lease):
    """A lease of a course that another program wrote, of whose row no `Claim` can be made."""

    outcome: Failed | Broken
    """How the attempt ends before it begins."""


@dataclass(frozen=True, slots=True)
class Released:
    """The course is tried again."""

    reason: str
    """What operators are told."""
    delay: float = 0.0
    """Seconds until the next try."""
    refund: bool = False
    """Whether the attempt doesn't count."""
    postponed: bool = False
    """Whether the model or the sources were away."""
    stop: StopKind | None = None
    """As that of `Postponed`."""


Conclusion = Finished | Failed | Released | Lost
"""How an attempt ends on record."""


def conclusion(lease: Lease, outcome: Outcome, max_attempts: int, max_wait: float) -> Conclusion:
    """Returns how an attempt with `outcome` ends on record.

    A course has `max_attempts` attempts, and waits `max_wait` seconds at most for the model and the sources.
    """
    match outcome:
        case Finished() | Failed() | Lost():
            return outcome
        case Postponed(message, stop="unknown" | "setting") if lease.is_refused_alone:
            return Failed(ErrorCode.MODEL_REFUSED, message)
        case Postponed(message, delay, code, stop):
            # If a setting is wrong, no course at all can be written: that is no reason to give this one up.
            if lease.postponed_for <= max_wait or stop in ("setting", "host"):
                return Released(message, delay, refund=True, postponed=True, stop=stop)
            # What the database says is for operators only.
            told = message if code is ErrorCode.MODEL_UNAVAILABLE else "the sources can't be searched"
            return Failed(code, told, message)
        case HandedBack():
            return given_back()
        case Broken(message, detail):
            if lease.attempt >= max_attempts:
                return Failed(ErrorCode.INTERNAL, message, detail)
            return Released(detail or message, backoff(lease.attempt, _FIRST_RETRY, _LONGEST_RETRY))
        case _:
            assert_never(outcome)


def given_back() -> Released:
    """Returns how an attempt ends on record if its process stops."""
    return Released(_STOPPED, refund=True)
