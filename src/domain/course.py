"""A course in the hands of a worker."""

from dataclasses import dataclass
from typing import Self, assert_never
from uuid import UUID

from src.domain.backoff import backoff
from src.domain.errors import ErrorCode
from src.domain.outline import Outline
from src.domain.request import CourseBrief

# An unexpected error is tried again soon, then later and later.
_FIRST_RETRY = 5.0
_LONGEST_RETRY = 300.0
_STOPPED = "the worker stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A course in the hands of one attempt, which alone may write to it, and how far earlier attempts came."""

    course_id: UUID
    lease_id: UUID
    attempt: int
    """1 for the first one."""
    user_id: UUID
    request_id: str | None
    saved_lessons: frozenset[int]
    """Numbers of the lessons that earlier attempts have saved."""
    postponements: int
    """How often in a row the course went back because the model or the sources were away."""
    postponed_for: float
    """Seconds since it went back for the first of these times; 0 if it didn't."""
    tokens: int
    """Input and output tokens that earlier attempts have taken, as far as they are on record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Lease):
    """A course that can be written."""

    brief: CourseBrief
    outline: Outline | None
    """The outline, if an earlier attempt has saved it."""


# What becomes of the writing of a course. Frozen values; an exception is for the unexpected.


@dataclass(frozen=True, slots=True)
class Finished:
    """Every lesson is saved: the course can become READY."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The course can't be written."""

    code: ErrorCode
    message: str
    """For upstream services."""
    detail: str = ""
    """For operators, if it says more."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """The model is away, or the sources are. Not the course's fault, so the attempt doesn't count."""

    message: str
    delay: float
    """Seconds until the next try."""
    code: ErrorCode = ErrorCode.MODEL_UNAVAILABLE
    """What the course fails with where that lasts too long; `internal` where the sources are away."""
    access_denied: bool = False
    """No course can succeed until an operator acts, so claiming stops."""


@dataclass(frozen=True, slots=True)
class HandedBack:
    """The process stops. The attempt doesn't count."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The lease is gone: there is nothing to record."""


@dataclass(frozen=True, slots=True)
class Broken:
    """An unexpected error. The attempt counts; the course is tried again until none is left."""

    message: str
    """For upstream services: says nothing of what is inside."""
    detail: str = ""
    """For operators."""

    @classmethod
    def by(cls, error: Exception) -> Self:
        """Broken by an error that nobody foresaw. What a database error says of itself includes the statement."""
        said = str(getattr(error, "orig", None) or error)
        return cls("an unexpected error; the history of the course says which", f"{type(error).__name__}: {said}")


Outcome = Finished | Failed | Postponed | HandedBack | Lost | Broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable(Lease):
    """A row of which no `Claim` can be made: another program wrote it."""

    outcome: Failed | Broken
    """How the attempt ends, without a start."""


@dataclass(frozen=True, slots=True)
class Released:
    """The course is tried again."""

    reason: str
    """For operators."""
    delay: float = 0.0
    """Seconds until the next try."""
    refund: bool = False
    """The attempt doesn't count."""
    postponed: bool = False
    """The model was away, or the sources were."""


Conclusion = Finished | Failed | Released | Lost
"""How an attempt ends on record."""


def conclusion(lease: Lease, outcome: Outcome, max_attempts: int, max_wait: float) -> Conclusion:
    """What `outcome` comes to within the limits of a course: `max_attempts` tries, `max_wait` seconds of waiting."""
    match outcome:
        case Finished() | Failed() | Lost():
            return outcome
        case Postponed(message, delay, code, access_denied):
            # Until an operator acts, no course of all can be written: that is no reason to give this one up.
            if lease.postponed_for <= max_wait or access_denied:
                return Released(message, delay, refund=True, postponed=True)
            # The words of the database are for operators.
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
    """What an attempt comes to whose process stops."""
    return Released(_STOPPED, refund=True)
