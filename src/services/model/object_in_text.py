"""Finding the JSON object in what a model wrote, whatever stands around it and however it is spelt.

What is put right on the way is syntax alone: no word of the answer is changed, added or left out.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import json_repair

MOST_CHARACTERS = 500_000
"""The longest answer that is parsed. A whole lesson has some 20,000; a model that writes far more has gone astray."""

_BOM = "\ufeff"
# What ends the thoughts that a model writes before its answer. Some servers cut off the tag that begins them.
_THOUGHT_ENDS = ("</think>", "</thinking>", "</thought>", "</reasoning>", "[/THINK]")
# Channels of the harmony format: https://cookbook.openai.com/articles/openai-harmony
_LAST_CHANNEL = re.compile(r"(?s:.*)<\|message\|>")
_CHANNEL_END = re.compile(r"<\|(?:end|return|call|start)\|>")
# Possessive: a long row of one sign is looked at once.
_FENCE = re.compile(r"^[ \t]*+(`{3,}+|~{3,}+)[^\n`]*+\n(.*?)(?:^[ \t]*+\1|\Z)", re.DOTALL | re.MULTILINE)
_OPENING = re.compile(r"[{\[]")
_BRACKETS = re.compile(r'["{}\[\]]')
_STRING_END = re.compile(r'(?:[^"\\]|\\.)*"', re.DOTALL)
# Prose may hold braces that nothing closes.
_MOST_UNCLOSED = 5
_MOST_WRAPPERS = 3

# Typographic quotation marks where JSON has its own: those in a text stand between other signs.
_OPENING_QUOTE = re.compile(r"([{\[,:]\s{0,100})“")
_CLOSING_QUOTE = re.compile(r"”(?=\s{0,100}[,:}\]])")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_NOTHING_IN_PYTHON = re.compile(r"\bNone(?=\s*[,}\]])")


@dataclass(frozen=True, slots=True)
class FoundObject:
    """What was found in an answer."""

    value: dict[str, Any]
    mended: tuple[str, ...] = ()
    """What was left out or put right, in a word or two each."""


@dataclass(frozen=True, slots=True)
class NoObject:
    """There is no object in an answer."""

    fault: str
    """What is wrong with it, as the model is told."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A part of an answer, which may be the object."""

    text: str
    left_out: tuple[str, ...] = ()
    """What stands around it."""
    outermost: bool = True
    """Whether no bracket that isn't closed stands before it, whose part it may be."""


def as_it_stands(text: str, fields: Collection[str]) -> FoundObject | None:
    """Returns the object in an answer that is nothing but an object with all of `fields`, as most are; else None."""
    value = _loaded(text, strict=True) if len(text) <= MOST_CHARACTERS else None
    return FoundObject(value) if isinstance(value, dict) and value.keys() >= set(fields) else None


def object_in(text: str, fields: Collection[str]) -> FoundObject | NoObject:
    """Returns the object in an answer: the one with all of `fields`, or else the first thing that can be read."""
    if len(text) > MOST_CHARACTERS:
        return NoObject(f"the answer has {len(text)} characters; at most {MOST_CHARACTERS} are read")
    others: list[FoundObject] = []
    for read in (_as_json, _as_json_with_line_breaks, _mended):
        for place in _places(text):
            if (value := read(place, fields)) is None:
                continue
            mended = (*place.left_out, *_MENDED_BY[read])
            inner = _unwrapped(value, lambda found: found.keys() >= set(fields))
            if inner is not None:
                return FoundObject(inner, mended if inner is value else (*mended, "wrapper"))
            if place.outermost and isinstance(value, dict):
                others.append(FoundObject(value, mended))
    for other in others:
        # Not all fields are there, so what is missing is told; of an answer that is one object, not of its parts.
        inner = _unwrapped(other.value, lambda found: not found.keys().isdisjoint(fields))
        if inner is not None:
            return FoundObject(inner, other.mended)
    if others:
        return others[0]
    return NoObject(_what_is_wrong(text))


def _places(text: str) -> Iterator[_Place]:
    """Yields the parts of an answer that may be the object, the likeliest first."""
    whole = text.removeprefix(_BOM)
    yield _Place(whole, ("BOM",) if whole != text else ())
    answer = _after_thoughts(whole)
    left_out = ("thoughts",) if answer != whole else ()
    if left_out:
        yield _Place(answer, left_out)
    for fence in reversed(list(_FENCE.finditer(answer))):  # a draft comes before the answer
        yield _Place(fence[2], (*left_out, "fence"))
    yield from _bracketed(answer, (*left_out, "text around it"))
    if left_out:  # the tag may have stood inside the object
        yield from _bracketed(whole, ("text around it",))


def _after_thoughts(text: str) -> str:
    if channel := _LAST_CHANNEL.match(text):
        text = _CHANNEL_END.split(text[channel.end() :], maxsplit=1)[0]
    end = max(text.rfind(tag) + len(tag) if tag in text else 0 for tag in _THOUGHT_ENDS)
    return text[end:]


def _bracketed(text: str, left_out: tuple[str, ...]) -> list[_Place]:
    """Returns what stands between brackets and is in none itself, the last first, as a draft comes before the answer.

    Where a bracket isn't closed, all from there to the end is one such part, and what is closed inside is another.
    """
    places: list[_Place] = []
    place = unclosed = 0
    while unclosed <= _MOST_UNCLOSED and (opening := _OPENING.search(text, place)):
        end = _end_of_object(text, opening.start())
        places.append(_Place(text[opening.start() : end], left_out, outermost=unclosed == 0))
        unclosed += end is None
        place = opening.end() if end is None else end
    return places[::-1]


def _end_of_object(text: str, start: int) -> int | None:
    """Returns where the object or list that begins at `start` ends; None if it doesn't."""
    depth, place = 0, start
    while found := _BRACKETS.search(text, place):
        place = found.end()
        if found[0] == '"':
            if (string := _STRING_END.match(text, place)) is None:
                return None
            place = string.end()
        else:
            depth += 1 if found[0] in "{[" else -1
            if depth == 0:
                return place
    return None


def _as_json(place: _Place, _fields: Collection[str]) -> Any:
    return _loaded(place.text, strict=True)


def _as_json_with_line_breaks(place: _Place, _fields: Collection[str]) -> Any:
    return _loaded(place.text, strict=False)


def _loaded(text: str, *, strict: bool) -> Any:
    try:
        return json.loads(text, strict=strict)
    except (ValueError, RecursionError):
        return None


def _mended(place: _Place, fields: Collection[str]) -> Any:
    """Returns what a text that is nearly JSON says; None if it can't be told without a guess at its words."""
    text = place.text.strip()
    if not place.outermost or not text.startswith(("{", "[")) or _open_brackets(text) > _MOST_UNCLOSED:
        return None
    if text[1:].lstrip().startswith("“"):
        text = _CLOSING_QUOTE.sub('"', _OPENING_QUOTE.sub(r'\1"', text))
    try:
        # The library makes two characters of one that takes two escapes.
        value = json.loads(json.dumps(json_repair.loads(text, skip_json_loads=True)))
        if _letters(_ESCAPE.sub(_unescaped, _NOTHING_IN_PYTHON.sub("null", text))) != _letters("".join(_said(value))):
            return None
    except (ValueError, RecursionError, IndexError):
        return None
    if _end_of_object(text, 0) != len(text) and not _lacks_its_last_bracket(text, value, fields):
        return None
    return value


def _open_brackets(text: str) -> int:
    return text.count("{") + text.count("[") - text.count("}") - text.count("]")


def _lacks_its_last_bracket(text: str, value: Any, fields: Collection[str]) -> bool:
    """Returns whether an object that isn't closed has all its fields nevertheless, the last of them with its end."""
    has_all = isinstance(value, dict) and value.keys() >= set(fields)
    return has_all and text.endswith(("}", "]")) and _end_of_object(text + "}", 0) is not None


_MENDED_BY: dict[Callable[[_Place, Collection[str]], Any], tuple[str, ...]] = {
    _as_json: (),
    _as_json_with_line_breaks: ("line breaks",),
    _mended: ("syntax",),
}


def _unwrapped(value: Any, is_it: Callable[[dict[str, Any]], bool], wrappers: int = _MOST_WRAPPERS) -> Any:
    """Returns the object that `is_it`, which may be the only one of its kind in a list, an object or a string."""
    if isinstance(value, dict) and is_it(value):
        return value
    if wrappers == 0:
        return None
    if isinstance(value, str):
        return _unwrapped(_loaded(value, strict=False), is_it, wrappers - 1) if value.lstrip().startswith("{") else None
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found = [inner for part in inside if (inner := _unwrapped(part, is_it, wrappers - 1)) is not None]
    return found[0] if len(found) == 1 else None


def _said(value: Any) -> Iterator[str]:
    """Yields what a value says, in the order in which it stands in JSON."""
    match value:
        case dict():
            for key, part in value.items():
                yield str(key)
                yield from _said(part)
        case list():
            for part in value:
                yield from _said(part)
        case str():
            yield value
        case None:
            yield "null"
        case _:
            yield str(value)


def _unescaped(escape: re.Match[str]) -> str:
    sign = escape[1]
    return chr(int(sign[1:], 16)) if len(sign) > 1 else "" if sign in "bfnrt" else sign


def _letters(text: str) -> str:
    # Two escapes may make one letter.
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "".join(filter(str.isalnum, whole)).casefold()


def _what_is_wrong(text: str) -> str:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"the answer is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
    except RecursionError:
        return "the answer is not JSON: it is nested too deeply"
    return "the answer is no JSON object"
