"""A completion of the stand-in as a stream of server-sent events.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

import json
from collections.abc import Iterator
from typing import Any

from aiohttp import web

# The characters of one event. A model sends a word or two; that would only make tests slow.
_PIECE = 2000


def events(completion: dict[str, Any], piece: int = _PIECE) -> Iterator[bytes]:
    """Yields the events that a completion is sent as, its text in pieces of so many characters."""
    choice = completion["choices"][0]
    text = choice["message"]["content"] or ""
    shared = {**completion, "object": "chat.completion.chunk"}
    del shared["usage"]
    for start in range(0, len(text), piece):
        delta = {"role": "assistant", "content": text[start : start + piece]}
        yield _event({**shared, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield _event({**shared, "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]})
    yield _event({**shared, "choices": [], "usage": completion["usage"]})
    yield b"data: [DONE]\n\n"


async def streamed(request: web.Request, completion: dict[str, Any]) -> web.StreamResponse:
    """Answers `request` with a completion, event by event."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for event in events(completion):
        await response.write(event)
    await response.write_eof()
    return response


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
