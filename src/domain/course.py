"""A course in the hands of a worker."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self
from uuid import UUID

from src.domain.errors import ErrorCode


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at one course: what it is about, how far it is, and the lease that lets this attempt write."""

    course_id: UUID
    lease_id: UUID
    attempt: int
    user_id: UUID
    request_id: str | None
    wanted: dict[str, Any]
    """The fields of a `CourseBrief`, not checked yet: the row may come from a plain INSERT."""
    outline: dict[str, Any] | None
    """The outline, if an earlier attempt has saved it."""
    saved_lessons: frozenset[int]
    """Numbers of the lessons that earlier attempts have saved."""
    postponements: int
    """How often in a row the course went back because the model or the sources were away."""
    postponed_for: float
    """Seconds since it went back for the first of these times; 0 if it didn't."""
    tokens: int
    """Input and output tokens that earlier attempts have taken, as far as they are on record."""


# How an attempt ends. Frozen values, matched exhaustively by the course worker; an exception is for the unexpected.


@dataclass(frozen=True, slots=True)
class Finished:
    """Every lesson is saved: the course can become READY."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The course can't be written."""

    code: ErrorCode
    message: str


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


CallPurpose = Literal["outline", "lesson", "search"]
"""What a model is called for; `search`: a query is embedded."""


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One call to a model, for the record."""

    id: UUID
    purpose: CallPurpose
    lesson_number: int | None
    model: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost: float | None
    """US dollars; None where no price is set."""
    seconds: float
    outcome: str
    """`ok`, or what was wrong with the answer."""
    budget_tokens: int = 0
    """What it counts against the course's budget: its tokens, or an estimate where the server counts none."""


RecordCall = Callable[[ModelCall], None]
"""Is handed every call, also one that failed."""
