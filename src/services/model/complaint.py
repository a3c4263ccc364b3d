"""What a server says if it doesn't answer: its own words, out of whatever body it sends."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from src.domain.text import printable

WEB_PAGE = "a web page: "
"""What the words of a complaint begin with if they are those of a page for people."""

_MOST_WORDS = 600
_MOST_NAMES = 50
_DEEPEST = 8
# Keys whose values say something to people, and keys that name a fault for programs.
_SAYING = ("error", "message", "msg", "detail", "details", "errors", "metadata", "raw", "error_description", "title")
_NAMING = ("code", "type", "status", "param", "reason", "error_type", "loc", "object")
_TAG = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<[^>]{0,1000}>", re.IGNORECASE | re.DOTALL)
_WHITE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a server said if it didn't answer."""

    status: int
    """The HTTP status, or the code in an answer that passes for a success; 0 if that has none."""
    words: str
    """The server's own words in one line; may be empty."""
    names: frozenset[str]
    """Codes, types and parameters that it named, in lower case."""
    inside: bool = False
    """Whether it came with a status that says success."""
    place: str = "the model's server"
    """The address that was called."""
    retry_after: float | None = None
    """Seconds after which to call again, if the server said so."""

    @property
    def text(self) -> str:
        """All of it in lower case, for rules."""
        return f"{self.words} {' '.join(sorted(self.names))}".lower()


def complaint(status: int, body: str, place: str = "the model's server", retry_after: float | None = None) -> Complaint:
    """Returns what a server said in the body of an answer with an error's `status`."""
    parsed: Any = body
    for text in (body, body.removeprefix("data:")):
        try:
            parsed = json.loads(text)
            break
        except (ValueError, RecursionError):
            continue
    words, names = _read(parsed)
    return Complaint(status, words, names, place=place, retry_after=retry_after)


def complaint_in(body: Any, place: str = "the model's server") -> Complaint:
    """Returns what a server said in an error inside an answer that passes for a success."""
    found = error_of(body)
    code = found.get("code") if isinstance(found, dict) else None
    if code is None and isinstance(body, dict):
        code = body.get("code")
    number = int(code) if isinstance(code, int | str) and str(code).isdecimal() and len(str(code)) == 3 else 0
    words, names = _read({"error": found} if isinstance(body, dict) and "choices" in body else body)
    return Complaint(number, words, names, inside=True, place=place)


def error_of(body: Any) -> Any:
    """Returns the error in a body that should have been a completion; None if there is none."""
    match body:
        case {"error": error} if error:
            return error
        case {"choices": [{"error": error}, *_]} if error:  # of a gateway, for one answer
            return error
        case {"choices": _}:
            return None
        case {"message": str()} | {"detail": _}:
            return body
        case [first, *_]:
            return error_of(first)
        case _:
            return None


def _read(body: Any) -> tuple[str, frozenset[str]]:
    """Returns the words in a body, in one line, and what it names."""
    names: set[str] = set()
    said: dict[str, None] = {}
    for sentence in _said(body, names, _DEEPEST):
        said[sentence] = None
        if sum(map(len, said)) > _MOST_WORDS:
            break
    return printable(" · ".join(said), _MOST_WORDS), frozenset(names)


def _said(body: Any, names: set[str], levels: int) -> Iterator[str]:
    """Yields the sentences in a body, and adds what it names to `names`. What it repeats of the request is left out."""
    if levels == 0:
        return
    match body:
        case dict():
            for key in _NAMING:
                names.update(islice(_names(body.get(key)), _MOST_NAMES - len(names)))
            for key in _SAYING:
                yield from _said(body.get(key), names, levels - 1)
            if isinstance(context := body.get("n_ctx"), int):  # llama.cpp's size of the context
                yield f"n_ctx {context}"
        case list():
            for part in body[:10]:
                yield from _said(part, names, levels - 1)
        case str():
            yield from _sentences(body, names, levels - 1)
        case _:
            pass


def _names(value: Any) -> Iterator[str]:
    for name in value[:_MOST_NAMES] if isinstance(value, list) else (value,):
        if isinstance(name, str | int) and len(str(name)) <= 100:
            yield str(name).lower()


def _sentences(text: str, names: set[str], levels: int) -> Iterator[str]:
    text = text[:20_000].strip()
    if text.startswith(("{", "[")):
        try:
            inner = json.loads(text)
        except (ValueError, RecursionError):
            pass
        else:
            yield from _said(inner, names, levels)
            return
    if "<html" in text.lower() or text.lower().startswith("<!doctype"):
        text = WEB_PAGE + _TAG.sub(" ", text[:4000])
    if text := _WHITE.sub(" ", text).strip():
        yield text[:_MOST_WORDS]
