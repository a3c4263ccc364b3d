"""Courses that other programs, or earlier versions of this one, stored: as much of them as has the right type.

Such a course is promised to have only texts (titles, sections, questions, answers). Anything in it that has another
type, or can't be stored, is left out, so that it doesn't keep the course from being saved or shown.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from src.domain.columns import Text
from src.domain.stored_course import StoredCourse, StoredLesson

M = TypeVar("M", bound=BaseModel)

_TEXT = TypeAdapter[str](Text)
_GONE = object()
# Each round takes out everything that is refused; what this leaves incomplete is refused in the next one.
_MOST_ROUNDS = 10

_Path = tuple[int | str, ...]


def foreign_lesson(given: Mapping[str, Any]) -> StoredLesson:
    """Returns the lesson in `given`, which is keyed by its fields. Raises `ValueError` if it has no number or title."""
    checks = given.get("checks")
    if isinstance(checks, list):
        given = {**given, "checks": [_with_texts(check) if isinstance(check, Mapping) else check for check in checks]}
    return _taken(StoredLesson, given)


def foreign_course(given: Mapping[str, Any]) -> StoredCourse:
    """Returns the course in `given`, which is keyed by its fields. Raises `ValueError` if it lacks a required one."""
    return _taken(StoredCourse, given)


def text_if_any(given: object) -> str | None:
    """Returns `given` if it is a text that a column can hold, and None if not."""
    try:
        return _TEXT.validate_python(given)
    except ValidationError:
        return None


def plain_json(given: object) -> Any:
    """Returns `given` as JSON, in which anything else, such as a date, becomes its text.

    Raises `ValueError` if it is nested too deeply or holds itself, and `TypeError` if a key is no scalar.
    """
    try:
        return json.loads(json.dumps(given, default=str))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _with_texts(check: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a question with its choices as a list, if they were named by letter, and its numbers as texts."""
    choices = check.get("choices")
    listed = list(choices.values()) if isinstance(choices, Mapping) else choices
    texts = {name: _text(check[name]) for name in ("question", "answer") if name in check}
    return {**check, **texts, "choices": list(map(_text, listed)) if isinstance(listed, list) else listed}


def _text(value: object) -> object:
    return str(value) if isinstance(value, int | float) else value


def _taken(kind: type[M], given: Any) -> M:
    """Returns `given` as a `kind`, without the parts that are refused. Raises `ValueError` if that is all of it."""
    for _ in range(_MOST_ROUNDS):
        try:
            return kind.model_validate(given)
        except ValidationError as error:
            faults = error.errors(include_url=False, include_context=False, include_input=False)
            # A whole that lacks a part is of no use, so it is taken out.
            refused = [fault["loc"][:-1] if fault["type"] == "missing" else fault["loc"] for fault in faults]
            if () in refused:
                whole = (fault for fault, path in zip(faults, refused, strict=True) if path == ())
                told = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}".removeprefix(": ") for fault in whole)
                raise ValueError("; ".join(told)) from None
            given = _without(given, refused)
    raise ValueError(f"no {kind.__name__} can be made of it")


def _without(value: Any, refused: Sequence[_Path]) -> Any:
    """Returns `value` without what stands at these paths; `_GONE` if one of them is its own."""
    if () in refused:
        return _GONE
    below: dict[int | str, list[_Path]] = {}
    for first, *rest in refused:
        below.setdefault(first, []).append(tuple(rest))
    if isinstance(value, Mapping):
        named = {name: _without(part, below[name]) if name in below else part for name, part in value.items()}
        return {name: part for name, part in named.items() if part is not _GONE}
    if isinstance(value, list | tuple):
        listed = [_without(part, below[place]) if place in below else part for place, part in enumerate(value)]
        return [part for part in listed if part is not _GONE]
    return value
