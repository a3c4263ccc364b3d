"""What other programs, or earlier versions of this one, stored of a course: as much of it as has the right type.

Only texts are promised in it (titles, sections, questions, answers). Whatever else has another type, or can't be
stored, is left out; nothing in it keeps a course from being saved or shown.
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
# Everything that is refused is taken out at once; what that leaves incomplete is refused in the next round.
_MOST_ROUNDS = 10

_Path = tuple[int | str, ...]


def foreign_lesson(given: Mapping[str, Any]) -> StoredLesson:
    """Returns what `given` has of a lesson, by the keys of the type. Raises `ValueError` without number or title."""
    checks = given.get("checks")
    if isinstance(checks, list):
        given = {**given, "checks": [_with_texts(check) if isinstance(check, Mapping) else check for check in checks]}
    return _taken(StoredLesson, given)


def foreign_course(given: Mapping[str, Any]) -> StoredCourse:
    """Returns what `given` has of a course, by the keys of the type. Raises `ValueError` without what it must have."""
    return _taken(StoredCourse, given)


def text_if_any(given: object) -> str | None:
    """Returns `given` if it is a text that a column can hold."""
    try:
        return _TEXT.validate_python(given)
    except ValidationError:
        return None


def plain_json(given: object) -> Any:
    """Returns `given` as JSON has it; a value that JSON doesn't know, such as a date, becomes its text.

    Raises `ValueError` if it is nested too deeply, and `TypeError` if a name is no text.
    """
    try:
        return json.loads(json.dumps(given, default=str))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _with_texts(check: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a question with its choices in a list, if they were named by letter, and with numbers as texts."""
    choices = check.get("choices")
    listed = list(choices.values()) if isinstance(choices, Mapping) else choices
    texts = {name: _text(check[name]) for name in ("question", "answer") if name in check}
    return {**check, **texts, "choices": list(map(_text, listed)) if isinstance(listed, list) else listed}


def _text(value: object) -> object:
    return str(value) if isinstance(value, int | float) else value


def _taken(kind: type[M], given: Any) -> M:
    """Returns what `given` has of `kind`, without the parts that this refuses."""
    for _ in range(_MOST_ROUNDS):
        try:
            return kind.model_validate(given)
        except ValidationError as error:
            faults = error.errors(include_url=False, include_context=False, include_input=False)
            # A thing that lacks what it must have is left out as a whole.
            refused = [fault["loc"][:-1] if fault["type"] == "missing" else fault["loc"] for fault in faults]
            if () in refused:
                whole = (fault for fault, path in zip(faults, refused, strict=True) if path == ())
                told = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}".removeprefix(": ") for fault in whole)
                raise ValueError("; ".join(told)) from None
            given = _without(given, refused)
    raise ValueError(f"no {kind.__name__} can be made of it")


def _without(value: Any, refused: Sequence[_Path]) -> Any:
    """Returns `value` without what stands at these paths."""
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
