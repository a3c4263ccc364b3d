"""What can be taken from a course that another program wrote, or that came from a file.

Only titles, texts, questions and answers are promised in it. Everything else is taken where it has the type and range
of its column, and is absent else: no such field keeps a course from being saved or shown.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from src.domain.finding import Finding
from src.domain.lesson import CheckKind
from src.domain.quality_figures import findings_json
from src.domain.result import CourseQuality
from src.domain.source import HEADING_CHARACTERS, document_name

T = TypeVar("T")

_MOST_INT = 2**31 - 1
_Number = Annotated[int, Field(strict=True, ge=1, le=_MOST_INT)]
_Offset = Annotated[int, Field(strict=True, ge=0, le=_MOST_INT)]
_Text = Annotated[str, Field(strict=True)]


def _cut(heading: str) -> str:
    return heading[:HEADING_CHARACTERS]


class _Reference(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    number: _Number
    document: Annotated[_Text, AfterValidator(document_name)]
    section: Annotated[_Text, AfterValidator(_cut)]
    start: _Offset
    end: _Offset
    quote: _Text
    # Rounded: the column is a REAL, which refuses what is nearer to nothing than it can say.
    score: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False), AfterValidator(lambda score: round(score, 3))]
    version: _Text | None = None
    # It is only shown, so one of another type is as good as none.
    title: Annotated[
        _Text, BeforeValidator(lambda title: title if isinstance(title, str) else ""), AfterValidator(_cut)
    ] = ""

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.end <= self.start:
            raise ValueError("ends before it begins")
        return self


_KIND = TypeAdapter[CheckKind](CheckKind)
_NUMBER = TypeAdapter[int](_Number)
_TEXT = TypeAdapter[str](_Text)
_TEXTS = TypeAdapter[list[str]](list[_Text])
_DIGEST = TypeAdapter[str](Annotated[_Text, Field(pattern="^[0-9a-f]{64}$")])
_FINDING = TypeAdapter[Finding](Finding)
_QUALITY = TypeAdapter[CourseQuality](CourseQuality)
_REFERENCE = TypeAdapter[_Reference](_Reference)


def check_columns(check: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a question in `lesson_checks`."""
    answer, choices = check.get("answer"), _taken(_TEXTS, check.get("choices"))
    return {
        "question": check["question"],
        "answer": answer,
        "kind": _taken(_KIND, check.get("kind")),
        "choices": choices,
        "key": choices.index(answer) + 1 if choices and answer in choices else None,
        "explanation": _taken(_TEXT, check.get("explanation")),
        "evidence": _taken(_TEXT, check.get("evidence")),
        "objective": counted(check.get("objective")),
        "citation": counted(check.get("citation")),
    }


def references(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The citations of a lesson that say all that a citation has to, one for each number."""
    given = content.get("references")
    found: dict[int, dict[str, Any]] = {}
    for entry in given if isinstance(given, Sequence) else ():
        if (reference := _taken(_REFERENCE, entry)) is not None:
            found.setdefault(reference.number, reference.model_dump())
    return list(found.values())


def origin_columns(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What wrote a lesson of the shape of `course.json`, as the columns of `lessons` have it."""
    origin, content = entry.get("origin"), entry.get("content")
    given = origin if isinstance(origin, dict) else {}
    written_by = content.get("written_by") if isinstance(content, dict) else None
    return {
        "written_by": text(given.get("model")) or text(written_by),
        "prompt_version": _taken(_NUMBER, given.get("prompt_version")),
        "prompt_digest": _taken(_DIGEST, given.get("prompt_digest")),
    }


def outline_findings(given: object) -> list[dict[str, str]]:
    """Those that are of the shape of `courses.outline_findings`."""
    found = (_taken(_FINDING, entry) for entry in (given if isinstance(given, list) else ()))
    written = findings_json([finding for finding in found if finding is not None])
    return [entry for entry in written if storable(entry)]


def course_quality(given: object) -> dict[str, Any] | None:
    """The shape of `courses.quality`, with the figures that are given."""
    quality = _taken(_QUALITY, given) if isinstance(given, dict) else None
    return storable(quality.model_dump(exclude_unset=True) or None) if quality is not None else None


def lesson_quality(given: object) -> dict[str, Any] | None:
    """`lessons.quality`, which readers take as it is given."""
    return storable(given) if isinstance(given, dict) else None


def text(given: object) -> str | None:
    """A text that a column can hold."""
    return storable(_taken(_TEXT, given))


def counted(given: object) -> int | None:
    """A number that counts something from 1."""
    return _taken(_NUMBER, given)


def storable(value: T) -> T | None:
    """`value`, where PostgreSQL can hold it: without NUL, lone surrogates, NaN, and what is not of JSON."""
    try:
        written = json.dumps(value, allow_nan=False, ensure_ascii=False)
        written.encode()
    except (TypeError, ValueError, RecursionError):
        return None
    return None if "\\u0000" in written else value


def _taken(kind: TypeAdapter[T], given: object) -> T | None:
    try:
        return kind.validate_python(given)
    except ValidationError:
        return None
