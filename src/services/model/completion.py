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

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the answer."""
        ...

    def iter_bytes(self) -> AsyncIterator[bytes]:
        """Yields the body as it comes."""
        ...


async def received(response: Response, place: str) -> Completion | Complaint:
    """Reads the body of an answer, which may come in pieces: a completion, or an error that passes for a success.

    `place` is the address that was called.
    Raises `ModelUnavailable` if it is too long, broken off or neither, and what the connection and the parser raise.
    """
    if "text/event-stream" in response.headers.get("content-type", ""):
        return await _streamed(response, place)
    body = b"".join([piece async for piece in _bounded(response)])
    if _WEB_PAGE.match(body):
        return complaint(200, body.decode(errors="replace"), place)
    return completion_in(json.loads(body), place)


def completion_in(body: Any, place: str) -> Completion | Complaint:
    """Returns what is in a body that was parsed. Raises `ModelUnavailable` if that is neither."""
    choice: Any
    message: Any
    match body:
        case {"choices": [{"message": dict() as message} as choice, *_]}:
            return _completion(body, message, choice)
        case {"choices": [{"text": str(text)} as choice, *_]}:  # of the older completions API
            return _completion(body, {"content": text}, choice)
        case {"choices": []} if error_of(body) is None:
            return _completion(body, {}, {})
        case _ if error_of(body) is not None:
            return complaint_in(body, place)
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
        refusal=_text(message.get("refusal")),
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


async def _streamed(response: Response, place: str) -> Completion | Complaint:
    """Puts the pieces of a stream together.

    Server-sent events, one line of `data` each: https://platform.openai.com/docs/api-reference/chat-streaming
    """
    pieces = _Pieces(place)
    rest = b""
    async for piece in _bounded(response):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            pieces.add(line)
    if not pieces and rest.lstrip().startswith((b"{", b"[")):  # no stream at all, by another name
        return completion_in(json.loads(rest), place)
    pieces.add(rest)
    return pieces.whole()


class _Pieces:
    """The pieces of a streamed completion so far."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._body: dict[str, Any] = {}
        self._texts: dict[str, list[str]] = {}
        self._content_parts = False
        self._finish_reason = ""
        self._begun = False
        self._done = False
        self._complaint: Complaint | None = None

    def __bool__(self) -> bool:
        return self._begun

    def add(self, line: bytes) -> None:
        """Adds a line of the stream. Other lines than those with data keep the connection alive."""
        if not line.startswith(b"data:"):
            return
        self._begun = True
        data = line[5:].strip()
        if data == b"[DONE]":
            self._done = True
            return
        event = json.loads(data)
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
            case {"choices": []}:  # the last one, with the counts alone
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
        if not (self._done or self._finish_reason):
            raise ModelUnavailable("the model's server broke off in the middle of its answer")
        message: dict[str, Any] = {name: "".join(texts) for name, texts in self._texts.items()}
        if self._content_parts:
            message["content"] = [{"type": "text", "text": message["content"]}]
        message["function_call"] = {"arguments": message.pop("arguments", "")}
        return _completion(self._body, message, {"finish_reason": self._finish_reason})
