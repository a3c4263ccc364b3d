"""Every exception that the project raises itself. `tests/unit/test_errors.py` compares this tree with the code.

CourseError                     a course can't be written; has a `code` that goes on record and into the result
├── InvalidRequest              invalid_request
├── RequestIdConflict           request_id_conflict
├── NoSources                   no_sources
├── ModelRefused                model_refused
│   └── PromptTooLong           the same: the question doesn't fit into the model's context
├── ModelOutputInvalid          model_output_invalid
├── InternalError               internal
├── BudgetExceeded              budget_exceeded
├── LimitExceeded               limit_exceeded
└── ModelUnavailable            model_unavailable, after COURSE_MAX_WAIT; until then the course waits
    ├── ModelBusy               the same, and fewer calls at once may help
    └── ModelAccessDenied       the same, but no course can succeed until an operator acts
        ├── ModelFaultUnknown   the same, unless another course shows that it was this course's own fault
        └── ModelUntrusted      the same, on this host: the server's certificate can't be verified

Interrupted                     an attempt ends without a verdict; the course goes on later, elsewhere or not at all
├── LeaseLost                   another worker or an operator has the course now
├── RequestLocked               somebody holds a lock that taking a request in needs
├── SourcesAway                 the library can't be searched; internal, after COURSE_MAX_WAIT
└── Stopping                    this process was told to stop

OperatorError                   an operator has to put something right; ends a command
├── SettingsError               settings are wrong; exit code 2
├── StartError                  the worker can't start, and waiting won't help
├── TwinFound                   another process has this worker's id; exit code 3
├── RemoteCallsForbidden        OPENAI_ALLOW_REMOTE is off, but the model's address is not on this machine
├── RecordingError              a file to record to or to replay from can't be used
├── DatabaseUnusable            the database is away, or refuses a command
├── MigrationError              the schema can't be brought to a revision
├── UnreadableDocument          no text can be read from a file
├── NothingToRead               a document has not a single passage
├── NothingToImport             there is no file to put into the library
├── MirrorError                 a course's files couldn't be written; told in the log, and tried again
└── LocalServiceError           a local service can't be started
"""

from enum import StrEnum
from typing import ClassVar
from uuid import UUID


class ErrorCode(StrEnum):
    """The `error_code` of a failed course and of an error message."""

    INVALID_REQUEST = "invalid_request"
    REQUEST_ID_CONFLICT = "request_id_conflict"
    NO_SOURCES = "no_sources"
    MODEL_UNAVAILABLE = "model_unavailable"
    MODEL_REFUSED = "model_refused"
    MODEL_OUTPUT_INVALID = "model_output_invalid"
    BUDGET_EXCEEDED = "budget_exceeded"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    CANCELLED = "cancelled"
    LIMIT_EXCEEDED = "limit_exceeded"
    INTERNAL = "internal"

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed if it is made again unchanged."""
        return self in _RETRYABLE


# The function error_is_retryable of the database says the same, for results that it writes; a test compares the two.
_RETRYABLE = frozenset(
    {
        ErrorCode.MODEL_UNAVAILABLE,
        ErrorCode.MODEL_OUTPUT_INVALID,
        ErrorCode.ATTEMPTS_EXHAUSTED,
        ErrorCode.LIMIT_EXCEEDED,
        ErrorCode.INTERNAL,
    }
)


class CourseError(Exception):
    """A course can't be written. The text is shown to operators and upstream services."""

    code: ClassVar[ErrorCode]


class InvalidRequest(CourseError):
    """The request breaks the contract. `faults` has one line for each wrong field."""

    code = ErrorCode.INVALID_REQUEST

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class RequestIdConflict(CourseError):
    """The same user has used the same request_id for something else before."""

    code = ErrorCode.REQUEST_ID_CONFLICT


class NoSources(CourseError):
    """No source was found to write from, but sources are named or required."""

    code = ErrorCode.NO_SOURCES


class ModelRefused(CourseError):
    """The model or its content filter won't answer; asking again won't help."""

    code = ErrorCode.MODEL_REFUSED


class PromptTooLong(ModelRefused):
    """The question doesn't fit into the model's context, even without passages."""


class ModelOutputInvalid(CourseError):
    """The answer was cut off twice, or is still wrong after repair."""

    code = ErrorCode.MODEL_OUTPUT_INVALID


class BudgetExceeded(CourseError):
    """The next call could take more tokens than the course has left. Saved lessons are kept."""

    code = ErrorCode.BUDGET_EXCEEDED


class LimitExceeded(CourseError):
    """The user has as many courses as one may have, open or within a minute; later the same request may pass."""

    code = ErrorCode.LIMIT_EXCEEDED


class InternalError(CourseError):
    """This program has a fault. The text says no more than that; the log has the rest."""

    code = ErrorCode.INTERNAL


class ModelUnavailable(CourseError):
    """The model didn't answer within the deadline of a call.

    `retry_after`: the wait that the server asked for, in seconds; None if it asked for none.
    """

    code = ErrorCode.MODEL_UNAVAILABLE

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelBusy(ModelUnavailable):
    """The model's server has refused a call as one too many (429)."""


class ModelAccessDenied(ModelUnavailable):
    """A setting is wrong or the quota is used up: calling again is useless until an operator acts."""


class ModelUntrusted(ModelAccessDenied):
    """The certificate of the model's server can't be verified on this host."""


class ModelFaultUnknown(ModelAccessDenied):
    """The server refused a call for a reason that no rule knows. It may be this course's, or every course's."""


class Interrupted(Exception):
    """The attempt ends here, without a verdict on the course."""


class LeaseLost(Interrupted):
    """The course is no longer this attempt's: write nothing, publish nothing."""


class RequestLocked(Interrupted):
    """A request can't be taken in now, because somebody holds a lock that it needs: on rows, a table or its body."""

    def __init__(self, user_id: UUID) -> None:
        super().__init__(f"a request of the user {user_id} waits for a lock that another session holds")
        self.user_id = user_id


class SourcesAway(Interrupted):
    """The library can't be searched, which says nothing about what is in it.

    `retry_after`: in how many seconds to search again at the earliest, if that is known.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Stopping(Interrupted):
    """The process stops: start nothing new, and hand the course back."""


class OperatorError(Exception):
    """An operator has to put something right. The text says what is wrong, where, and what to do."""

    exit_code: ClassVar[int] = 1
    """The exit code of a command that ends with this error."""

    def lines(self) -> list[str]:
        """Returns what the command line prints."""
        return [str(self)]


class StartError(OperatorError):
    """The worker can't start, and waiting won't help."""


class TwinFound(OperatorError):
    """Another process has the id of this worker."""

    exit_code = 3


class DatabaseUnusable(OperatorError):
    """The database is away, or refuses what a command asks of it."""
