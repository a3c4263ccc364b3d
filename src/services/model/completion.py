"""A chat completion as a server sends it: whole or as a stream, in the fields that the various servers use.

The client's own types are not used for it. They take whatever comes for what was promised, and building them for each
piece of a stream would take longer than all the rest.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from src.domain.errors import ModelUnavailable
from src.domain.text import printable
from src.services.model.complaint import Complaint, complaint, complaint_in, error_of

MOST_BYTES = 16 * 1024 * 1024
"""The longest body that is read: far more than the longest answer that is parsed, with the thoughts before it."""

_BOM = b"\xef\xbb\xbf"
_BEGINS_A_STREAM = re.compile(rb"\s*(?:\xef\xbb\xbf)?(?:data:|event:|id:|retry:|:)")
_MOST_LINES = 20
"""The lines that the data of one event may stand in."""
# What a web site answers to whatever it is asked.
_WEB_PAGE = re.compile(rb"\s*<(?:!doctype html|html)\b", re.IGNORECASE)

Place = Literal["content", "content parts", "reasoning", "tool call"]
"""Where an answer stood in the message."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What a server sent for one call."""

    model: str
    """The name of the model that answered, by its server's account; `unknown` if it names none."""
    text: str
    """The answer; empty if there is none."""
    place: Place = "content"
    finish_reason: str = ""
    refusal: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)
    """The counts of tokens, as the server gave them."""


class Response(Protocol):
    """What `received` needs of an answer over HTTP."""

    def iter_bytes(self) -> AsyncIterator[bytes]:
        """Yields the body as it comes."""
        ...


async def received(response: Response, place: str) -> Completion | Complaint:
    """Reads the body of an answer, which may come in pieces: a completion, or an error that passes for a success.

    `place` is the address that was called.
    Raises `ModelUnavailable` if it is too long, broken off or neither, and what the connection and the parser raise.
    """
    lines, whole, is_stream = _Lines(), bytearray(), False
    pieces = _Pieces(place)
    async for piece in _bounded(response):
        if not is_stream:
            whole += piece
            if whole.isspace():  # it keeps the connection alive
                whole.clear()
            # Some servers stream without saying so, and some say so and don't.
            if not _BEGINS_A_STREAM.match(whole):
                continue
            is_stream, piece = True, bytes(whole)
        for line in lines.add(piece):
            pieces.add(line)
    if is_stream:
        pieces.add(lines.rest())
        return pieces.whole()
    if not whole.strip():
        raise ModelUnavailable("the model's server broke off before its answer")
    if _WEB_PAGE.match(whole):
        return complaint(200, whole.decode(errors="replace"), place)
    return completion_in(json.loads(whole), place)


def completion_in(body: Any, place: str) -> Completion | Complaint:
    """Returns what is in a body that was parsed. Raises `ModelUnavailable` if that is neither."""
    choice: Any
    message: Any
    if error_of(body) is not None:
        return complaint_in(body, place)
    match body:
        case {"choices": [{"message": dict() as message} as choice, *_]}:
            return _completion(body, message, choice)
        case {"choices": [{"text": str(text)} as choice, *_]}:  # of the older completions API
            return _completion(body, {"content": text}, choice)
        case {"choices": []}:
            return _completion(body, {}, {})
        case _:
            raise ModelUnavailable("the model's server did not send a chat completion; is OPENAI_BASE_URL right?")


def _completion(body: Mapping[str, Any], message: Mapping[str, Any], choice: Mapping[str, Any]) -> Completion:
    text, place = _answer(message)
    usage = body.get("usage")
    return Completion(
        model=printable(str(body.get("model") or "unknown"), 200),
        text=text,
        place=place,
        finish_reason=str(choice.get("finish_reason") or ""),
        refusal=refusal if isinstance(refusal := message.get("refusal"), str) else "",
        usage=usage if isinstance(usage, dict) else {},
    )


def _answer(message: Mapping[str, Any]) -> tuple[str, Place]:
    """Returns the first place of a message in which there is a text, with that text."""
    content = message.get("content")
    places: tuple[tuple[Place, str], ...] = (
        ("content" if isinstance(content, str) else "content parts", _text(content)),
        ("tool call", _arguments(message)),
        # Some servers take an answer that was held to a schema for thoughts, and leave the content empty.
        ("reasoning", _text(message.get("reasoning_content")) or _text(message.get("reasoning"))),
    )
    for place, text in places:
        if text.strip():
            return text, place
    return "", "content"


def _text(content: Any) -> str:
    """Returns the text of a content: a string, an object that was parsed already, or a list of parts."""
    match content:
        case str():
            return content
        case {"type": "text" | "output_text", "text": str(text)}:
            return text
        case {"type": str()}:  # thoughts, an image
            return ""
        case dict():
            return json.dumps(content, ensure_ascii=False)
        case list():
            return "".join(map(_text, content))
        case _:
            return ""


def _arguments(message: Mapping[str, Any]) -> str:
    match message:
        case {"tool_calls": [{"function": {"arguments": arguments}}, *_]} | {"function_call": {"arguments": arguments}}:
            return _text(arguments)
        case _:
            return ""


async def _bounded(response: Response) -> AsyncIterator[bytes]:
    size = 0
    async for piece in response.iter_bytes():
        size += len(piece)
        if size > MOST_BYTES:
            raise ModelUnavailable(f"the model's server sent more than {MOST_BYTES} bytes for one answer")
        yield piece


class _Lines:
    """Puts pieces of a body together to its lines."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []

    def add(self, piece: bytes) -> list[bytes]:
        """Adds a piece; returns the lines that have an end by now."""
        if b"\n" not in piece:
            self._rest.append(piece)
            return []
        first, *others = piece.split(b"\n")
        lines = [b"".join((*self._rest, first)), *others]
        self._rest = [lines.pop()]
        return lines

    def rest(self) -> bytes:
        """Returns what stands behind the last line break."""
        return b"".join(self._rest)


class _Pieces:
    """The pieces of a streamed completion so far."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._data: list[bytes] = []
        self._body: dict[str, Any] = {}
        self._texts: dict[str, list[str]] = {}
        self._content_parts = False
        self._finish_reason = ""
        self._done = self._is_broken = False
        self._complaint: Complaint | None = None

    def add(self, line: bytes) -> None:
        """Adds a line of the stream. Other lines than those with data keep the connection alive.

        Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html. The data of one may stand in
        several lines.
        """
        line = line.removeprefix(_BOM)
        if self._data and (not line.strip() or len(self._data) == _MOST_LINES):
            self._is_broken = True  # the event has ended, and its data is no JSON
            self._data.clear()
        if not line.startswith(b"data:") or not (data := line[5:].strip()):
            return
        if data == b"[DONE]":
            self._done = True
            return
        self._data.append(data)
        try:
            event = json.loads(b"\n".join(self._data))
        except ValueError:
            return  # the rest comes in the next line, or the stream breaks off here
        self._data.clear()
        self._add_event(event)

    def _add_event(self, event: Any) -> None:
        match event:
            case _ if error_of(event) is not None:
                self._complaint = complaint_in(event, self._place)
            case {"choices": [{"message": dict()}, *_]}:  # a server that sends all of it in one event
                self._body |= event
            case {"choices": [dict() as choice, *_]}:
                self._body |= {name: event[name] for name in ("model", "usage") if event.get(name)}
                self._finish_reason = str(choice.get("finish_reason") or self._finish_reason)
                delta = choice.get("delta")
                self._add(delta if isinstance(delta, dict) else {"content": choice.get("text")})
            case {"choices": [] | None} | {"usage": dict()}:  # the last one, with the counts alone
                self._body |= {name: event[name] for name in ("model", "usage") if event.get(name)}
            case _:
                pass

    def _add(self, delta: Mapping[str, Any]) -> None:
        self._content_parts |= isinstance(delta.get("content"), list)
        for name in ("content", "reasoning_content", "reasoning", "refusal"):
            self._texts.setdefault(name, []).append(_text(delta.get(name)))
        self._texts.setdefault("arguments", []).append(_arguments(delta))

    def whole(self) -> Completion | Complaint:
        """Returns all of it. Raises `ModelUnavailable` if the stream broke off."""
        if self._complaint is not None:
            return self._complaint
        if "choices" in self._body:
            return completion_in(self._body, self._place)
        if self._is_broken or self._data or not (self._done or self._finish_reason):
            raise ModelUnavailable("the model's server broke off in the middle of its answer")
        message: dict[str, Any] = {name: "".join(texts) for name, texts in self._texts.items()}
        if self._content_parts:
            message["content"] = [{"type": "text", "text": message["content"]}]
        message["function_call"] = {"arguments": message.pop("arguments", "")}
        return _completion(self._body, message, {"finish_reason": self._finish_reason})
