"""Requests for courses, as they arrive on the queue (docs/contract/request.schema.json)."""

import contextlib
import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Self
from uuid import UUID, uuid4, uuid5

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from src.domain.errors import InvalidRequest
from src.domain.foreign_body import seeming
from src.domain.language_tag import normal_tag
from src.domain.source import DOCUMENT_BYTES, path_segments
from src.domain.text import SINGLE_LINE, has_visible_characters, printable

MAX_BODY_BYTES = 256 * 1024
"""The longest message body that is read."""
KEPT_BODY_BYTES = 64 * 1024
"""How much is kept of a longer one."""
DEFAULT_MAX_LESSONS = 30
DEFAULT_PRIORITY = 4
HIGHEST_PRIORITY = 9
RECOGNISED_WITHIN = timedelta(hours=1)
"""How long a redelivered request without any id is recognised by its `body_digest`."""


def _whole_number(value: Any) -> Any:
    # JSON has only one kind of number: to JSON Schema, and to publishers that know only doubles, 4.0 is an integer.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _at_most_200_bytes(text: str) -> str:
    if len(text.encode()) > 200:
        raise ValueError("String should have at most 200 bytes")
    return text


def _visible(text: str) -> str:
    if not has_visible_characters(text):
        raise ValueError("String should have characters that can be seen")
    return text


@dataclass(frozen=True, slots=True)
class WholeBody:
    """A message body that was too long to be kept whole: its size in bytes, and its SHA-256 in hexadecimal digits."""

    size: int
    sha256: str


def kept(body: bytes) -> tuple[bytes, WholeBody | None]:
    """Returns what is kept of a message body: all of it, or its beginning and what the whole was."""
    if len(body) <= MAX_BODY_BYTES:
        return body, None
    return body[:KEPT_BODY_BYTES], WholeBody(len(body), body_digest(body))


RequestId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    SINGLE_LINE,
    AfterValidator(_at_most_200_bytes),
    Field(description="At most 200 bytes in UTF-8, no control characters"),
]
Priority = Annotated[int, Field(ge=0, le=HIGHEST_PRIORITY), BeforeValidator(_whole_number)]

_request_id = TypeAdapter(RequestId)


class CourseBrief(BaseModel):
    """What a course is to be about, which is everything that the writing of it depends on."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    topic: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=300),
        SINGLE_LINE,
        AfterValidator(_visible),
    ]
    grade_level: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), SINGLE_LINE] = "Grade 8"
    num_lessons: Annotated[
        int,
        Field(ge=1, json_schema_extra={"maximum": DEFAULT_MAX_LESSONS}),
        BeforeValidator(_whole_number),
    ] = 4
    source_filter: Annotated[
        Annotated[str, StringConstraints(strip_whitespace=True, max_length=DOCUMENT_BYTES), SINGLE_LINE] | None,
        Field(description="Path prefix of the allowed sources, by whole segments"),
    ] = None
    language: Annotated[str, AfterValidator(normal_tag), Field(description="BCP 47 tag")] = "en"

    @model_validator(mode="before")
    @classmethod
    def _null_means_absent(cls, fields: Any) -> Any:
        if isinstance(fields, dict):
            return {name: value for name, value in fields.items() if value is not None}
        return fields

    @field_validator("grade_level")
    @classmethod
    def _blank_grade_means_default(cls, grade: str) -> str:
        return grade or "Grade 8"

    @field_validator("num_lessons")
    @classmethod
    def _at_most_max_lessons(cls, number: int, info: ValidationInfo) -> int:
        limit = (info.context or {}).get("max_lessons", DEFAULT_MAX_LESSONS)
        if number > limit:
            raise ValueError(f"Input should be less than or equal to {limit}")
        return number

    @field_validator("source_filter")
    @classmethod
    def _slashes_alone_filter_nothing(cls, prefix: str | None) -> str | None:
        return prefix if prefix and path_segments(prefix) else None

    @classmethod
    def checked(cls, fields: dict[str, Any], max_lessons: int) -> Self:
        """Returns the brief that `fields` make; raises `InvalidRequest` if any is wrong."""
        try:
            return cls.model_validate(fields, context={"max_lessons": max_lessons})
        except ValidationError as error:
            raise InvalidRequest(_faults(error)) from None


class CourseRequest(CourseBrief):
    """What upstream services publish. Unknown fields are ignored; null means absent."""

    user_id: UUID
    request_id: RequestId | None = None
    priority: Annotated[Priority | None, Field(description="Higher goes first")] = None

    @property
    def brief(self) -> CourseBrief:
        """What the course should be about, without who asked for it."""
        fields = self.model_dump(include=set(CourseBrief.model_fields))
        return CourseBrief.checked(fields, max_lessons=self.num_lessons)

    @classmethod
    def parse(cls, body: bytes, max_lessons: int = DEFAULT_MAX_LESSONS, header_names: Collection[str] = ()) -> Self:
        """Reads a message body; raises an `InvalidRequest` that names every wrong field, or what the body seems to be.

        `header_names`: those of the message, which may tell the latter.
        """
        try:
            return cls.model_validate_json(body, context={"max_lessons": max_lessons})
        except ValidationError as error:
            faults = _faults(error)
            if seems := seeming(body, header_names, cls.model_fields):
                # A parser only says at which byte it gave up.
                faults = [f"body: {seems}", *(fault for fault in faults if not fault.startswith("body: "))]
            raise InvalidRequest(faults) from None

    def completed(
        self,
        message_id: str | None,
        amqp_priority: int | None,
        made_up_id: str | None = None,
        max_priority: int = HIGHEST_PRIORITY,
    ) -> "IdentifiedRequest":
        """Returns the request with its id and priority, taken from its message if its body has none.

        If neither has an id it gets `made_up_id`, or a random one. A priority over `max_priority` counts as that.
        """
        if self.priority is not None:
            priority = self.priority
        else:
            priority = DEFAULT_PRIORITY if amqp_priority is None else amqp_priority
        request_id = self.request_id or message_id
        return IdentifiedRequest.model_validate(
            {
                **self.model_dump(),
                "request_id": request_id or made_up_id or str(uuid4()),
                "priority": min(priority, max_priority),
                "id_given": request_id is not None,
            },
            context={"max_lessons": self.num_lessons},
        )


class IdentifiedRequest(CourseRequest):
    """A request with its id and its priority, and therefore with a course id."""

    request_id: RequestId
    priority: Priority
    id_given: bool
    """Whether the id came with the request; if it was made up here, a redelivery can't be recognised by it."""

    @property
    def course_id(self) -> UUID:
        """The id of the course. It is the same for the same user and request_id, in the database and on disk."""
        return uuid5(self.user_id, self.request_id)

    @property
    def request_hash(self) -> str:
        """SHA-256 of what is asked for, in hexadecimal digits; requests with the same id must agree in it."""
        asked = {
            "topic": self.topic,
            "grade_level": self.grade_level,
            "num_lessons": self.num_lessons,
            "source_filter": path_segments(self.source_filter or ""),
            "language": self.language,
        }
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def body_digest(body: bytes) -> str:
    """Returns the SHA-256 of a message body in hexadecimal digits; a request without any id is recognised by it."""
    return hashlib.sha256(body).hexdigest()


def valid_request_id(value: object) -> str | None:
    """Returns `value` if it can serve as a request_id, else None."""
    try:
        return _request_id.validate_python(value, strict=True)
    except ValidationError:
        return None


def identifiers(body: bytes, message_id: str | None) -> tuple[str | None, UUID | None]:
    """Returns the request_id and user_id of an invalid body for its error status; each is None if it is invalid too.

    As in a valid request, `message_id` stands in for a request_id that is absent.
    """
    fields: Any = None
    with contextlib.suppress(ValueError, RecursionError):
        fields = json.loads(body)
    if not isinstance(fields, dict):
        return message_id, None
    given = fields.get("request_id")
    try:
        user_id = UUID(fields.get("user_id"))
    except (TypeError, ValueError, AttributeError):
        user_id = None
    return (message_id if given is None else valid_request_id(given)), user_id


def _faults(error: ValidationError) -> list[str]:
    # The input itself stays out: it may be long, hostile or secret, and the publisher has it anyway.
    faults = []
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        field = ".".join(str(part) for part in fault["loc"]) or "body"
        # Some texts quote a character of the input, which may be one that no row can hold.
        faults.append(printable(f"{field}: {fault['msg'].removeprefix('Value error, ')}", 500))
    return faults
