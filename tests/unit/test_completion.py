"""Completions as servers send them: whole, in pieces of any size, in all the fields that are in use."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.errors import ModelUnavailable
from src.services.model.complaint import Complaint
from src.services.model.completion import MOST_BYTES, Completion, completion_in, received


class Answer:
    def __init__(self, pieces: list[bytes], content_type: str = "text/event-stream") -> None:
        self.headers = {"content-type": content_type}
        self._pieces = pieces

    async def iter_bytes(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


def read(body: bytes | list[bytes], content_type: str = "text/event-stream") -> Completion | Complaint:
    pieces = [body] if isinstance(body, bytes) else body
    return asyncio.run(received(Answer(pieces, content_type), "http://x/v1/chat/completions"))


def text_of(body: bytes | list[bytes]) -> str:
    completion = read(body)
    assert isinstance(completion, Completion)
    return completion.text


def event(delta: dict[str, Any] | None = None, finish: str | None = None, **fields: Any) -> str:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return f"data: {json.dumps({'model': 'm', 'choices': choices, **fields})}\n\n"


STREAM = (
    event({"role": "assistant", "content": None})
    + event({"content": "Grüße, "})
    + ": a comment\n\n"
    + event({"content": "Welt"})
    + event({}, "stop")
    + event(usage={"prompt_tokens": 3, "completion_tokens": 2})
    + "data: [DONE]\n\n"
).encode()


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=8))
def test_a_stream_is_the_same_wherever_it_is_cut_into_pieces(cuts: list[int]) -> None:
    places = sorted({0, *cuts, len(STREAM)})
    pieces = [STREAM[start:end] for start, end in itertools.pairwise(places)]
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    assert read(pieces) == Completion("m", "Grüße, Welt", "content", "stop", "", usage)


@pytest.mark.parametrize(
    "body",
    [
        STREAM.replace(b"\n", b"\r\n"),
        STREAM.replace(b"data: ", b"data:"),
        STREAM.removesuffix(b"data: [DONE]\n\n"),
        STREAM.replace(event({}, "stop").encode(), b""),
        STREAM.rstrip(),
        b"event: message\n" + STREAM,
        b"\xef\xbb\xbf" + STREAM,
        b": a comment\n\n" + STREAM,
        b"data:\n\n" + STREAM,
        STREAM.replace(b'"choices": [], ', b""),
        STREAM.replace(b', "choices"', b',\ndata: "choices"'),
        json.dumps({"choices": [{"message": {"content": "Grüße, Welt"}}]}).encode(),
        b"data: " + json.dumps({"choices": [{"message": {"content": "Grüße, Welt"}}]}).encode(),
        (event({"reasoning_content": "Grüße, Welt"}, "stop")).encode(),
        (event({"content": [{"type": "text", "text": "Grüße, Welt"}]}, "stop")).encode(),
        (
            event({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "Grüße"}}]})
            + event({"tool_calls": [{"index": 0, "function": {"arguments": ", Welt"}}]}, "tool_calls")
        ).encode(),
    ],
)
def test_a_stream_is_read_in_all_the_forms_that_servers_give_it(body: bytes) -> None:
    assert text_of(body) == "Grüße, Welt"


def test_an_error_beside_an_empty_answer_is_the_servers_word() -> None:
    for body in (
        {"error": {"code": 502, "message": "gone"}, "choices": [{"message": {"content": ""}}]},
        {"choices": [{"message": {"content": ""}, "error": {"code": 502, "message": "gone"}}]},
    ):
        complaint = completion_in(body, "x")
        assert isinstance(complaint, Complaint)
        assert (complaint.status, complaint.words) == (502, "gone")


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", ""])
def test_a_stream_is_known_by_how_it_begins(content_type: str) -> None:
    completion = read(STREAM, content_type)
    assert isinstance(completion, Completion)
    assert completion.text == "Grüße, Welt"


def test_a_long_line_in_many_pieces_is_put_together_once() -> None:
    """Where it is put together for each piece, this test takes minutes."""
    text = "x" * 8_000_000
    line = event({"content": text}, "stop").encode()
    assert text_of([line[start : start + 1000] for start in range(0, len(line), 1000)]) == text


@pytest.mark.parametrize(
    "body",
    [
        event({"content": "a"}).encode() + b'data: {"error": {"code": 502, "message": "Provider gone"}}\n\n',
        event({"content": "a"}, "error", error={"code": 502, "message": "Provider gone"}).encode(),
        b'data: {"error": {"code": 502, "message": "Provider gone"}, "choices": []}\n\n',
    ],
)
def test_an_error_in_a_stream_is_the_servers_word(body: bytes) -> None:
    complaint = read(body + b"data: [DONE]\n\n")
    assert isinstance(complaint, Complaint)
    assert (complaint.status, complaint.words) == (502, "Provider gone")
    assert complaint.place == "http://x/v1/chat/completions"


@pytest.mark.parametrize("separator", [b"\n", b"\n\n"])
def test_an_event_that_is_no_json_breaks_the_stream_and_costs_nothing_more(separator: bytes) -> None:
    """Where all that follows is read with it, this test takes minutes."""
    good = event({"content": "a"}).strip().encode()
    with pytest.raises(ModelUnavailable, match="broke off"):
        read(separator.join([b"data: {oops", *[good] * 100_000, b"data: [DONE]"]))


def test_blank_lines_without_end_are_not_kept() -> None:
    """Where they are looked at again for each piece, this test takes minutes."""
    with pytest.raises(ModelUnavailable, match="before its answer"):
        read([b"\n" * 100] * 150_000, "application/json")


@pytest.mark.parametrize("body", [b"", b": only a comment\n\n", event({"content": "half of"}).encode()])
def test_a_stream_that_breaks_off_is_no_answer(body: bytes) -> None:
    with pytest.raises(ModelUnavailable, match="broke off"):
        read(body)


@pytest.mark.parametrize("content_type", ["text/event-stream", "application/json"])
def test_an_answer_without_end_is_given_up(content_type: str) -> None:
    with pytest.raises(ModelUnavailable, match=f"more than {MOST_BYTES} bytes"):
        read([b"data: " + b"x" * 2**20] * 20, content_type)


def test_a_web_page_is_no_answer() -> None:
    complaint = read(b"\n<!DOCTYPE HTML><title>Welcome</title>", "text/html")
    assert isinstance(complaint, Complaint)
    assert complaint.words == "a web page: Welcome"


@pytest.mark.parametrize(
    ("message", "text", "place"),
    [
        ({"content": "a"}, "a", "content"),
        ({"content": {"a": 1}}, '{"a": 1}', "content parts"),
        ({"content": [{"type": "thinking", "thinking": "b"}, {"type": "text", "text": "a"}]}, "a", "content parts"),
        ({"content": "", "reasoning_content": "a"}, "a", "reasoning"),
        ({"content": None, "reasoning": "a"}, "a", "reasoning"),
        ({"content": "a", "reasoning_content": "b"}, "a", "content"),
        ({"content": None, "tool_calls": [{"function": {"arguments": {"a": 1}}}]}, '{"a": 1}', "tool call"),
        ({"content": None, "function_call": {"arguments": "a"}}, "a", "tool call"),
        ({"content": None, "tool_calls": []}, "", "content"),
        ({"content": 5}, "", "content"),
        ({"content": "a", "refusal": {}}, "a", "content"),
        ({}, "", "content"),
    ],
)
def test_the_answer_is_found_where_servers_put_it(message: dict[str, Any], text: str, place: str) -> None:
    completion = completion_in({"choices": [{"message": message}]}, "x")
    assert isinstance(completion, Completion)
    assert (completion.text, completion.place, completion.refusal) == (text, place, "")


@pytest.mark.parametrize("body", [None, 5, "text", [], {}, {"choices": None}, {"choices": [None]}, {"object": "list"}])
def test_what_is_neither_an_answer_nor_an_error_is_told(body: object) -> None:
    with pytest.raises(ModelUnavailable, match="did not send a chat completion"):
        completion_in(body, "x")
