"""Behaviours of answers: what stands around them, where they stand, and how their JSON is spelt."""

import asyncio
import json
import re
from typing import Any

from aiohttp import web

from src.devtools.stand_in_stream import events
from tests.zoo.behaviour import READY, Behaviour, Body, Outcome, message_of, silence, with_message, with_text


def mended(what: str) -> Outcome:
    return Outcome("READY", note=f"mended: {what}")


def again(what: str) -> Outcome:
    return Outcome("READY", note=what)


def _smart(text: str) -> str:
    """The JSON with typographic quotation marks around keys and strings."""
    return re.sub(r'"((?:[^"\\]|\\.)*)"', r"“\1”", text)


def _single(text: str) -> str:
    return repr(json.loads(text))


def _raw_line_breaks(text: str) -> str:
    return text.replace("\\n", "\n")


def _with_line_breaks(text: str) -> str:
    """The answer with line breaks in its texts, as models write them."""
    answer = json.loads(text)
    if "introduction" in answer:
        answer["introduction"] = answer["introduction"].replace(". ", ".\n\n", 1)
    else:
        answer["description"] = answer["description"] + "\n\nIt has several lessons."
    return json.dumps(answer, ensure_ascii=False)


def _harmony(text: str) -> str:
    thoughts = "<|channel|>analysis<|message|>We need {JSON} as the schema says.<|end|>"
    return f"{thoughts}<|start|>assistant<|channel|>final<|message|>{text}<|return|>"


def _as_parts(body: Body) -> Body:
    text = message_of(body)["content"]
    thoughts = [{"type": "text", "text": "The learners are in Grade 8."}]
    return with_message(body, content=[{"type": "thinking", "thinking": thoughts}, {"type": "text", "text": text}])


def _as_tool_call(body: Body) -> Body:
    function = {"name": "answer", "arguments": message_of(body)["content"]}
    return with_message(body, content=None, tool_calls=[{"id": "call_1", "type": "function", "function": function}])


def _elsewhere(name: str) -> Any:
    return lambda body: with_message(body, content=None, **{name: message_of(body)["content"]})


def _finishing(reason: str | None) -> Any:
    return lambda body: {**body, "choices": [{**body["choices"][0], "finish_reason": reason}]}


def _cut(body: Body) -> Body:
    """What a server sends that stops after 512 tokens, whatever it is asked for."""
    text = message_of(body)["content"][: 512 * 4]
    return _finishing("length")(with_message({**body, "usage": {"completion_tokens": 512}}, content=text))


async def _begun(request: web.Request, content_type: str = "text/event-stream") -> web.StreamResponse:
    """An answer that comes in pieces."""
    response = web.StreamResponse(headers={"Content-Type": content_type})
    await response.prepare(request)
    return response


async def _with_comments(request: web.Request, completion: Body) -> web.StreamResponse:
    response = await _begun(request, "text/event-stream; charset=utf-8")
    for number, event in enumerate(events(completion, piece=50)):
        if number % 20 == 0:
            await response.write(b": OPENROUTER PROCESSING\n\n")
        await response.write(event)
    await response.write_eof()
    return response


async def _as_reasoning(request: web.Request, completion: Body) -> web.StreamResponse:
    response = await _begun(request)
    for event in events(completion, piece=300):
        await response.write(event.replace(b'"content"', b'"reasoning_content"'))
    await response.write_eof()
    return response


async def _broken_off(request: web.Request, completion: Body) -> web.StreamResponse:
    response = await _begun(request)
    first, *_ = events(completion, piece=100)
    await response.write(first)
    await response.write_eof()
    return response


async def _silent(request: web.Request, completion: Body) -> web.StreamResponse:
    response = await _begun(request)
    first, *_ = events(completion, piece=100)
    await response.write(first)
    await silence()
    return response


async def _slow(request: web.Request, completion: Body) -> web.StreamResponse:
    if not (await request.json()).get("stream"):
        await silence()
    response = await _begun(request)
    pieces = list(events(completion, piece=1000))
    for piece in pieces:
        await asyncio.sleep(2.5 / len(pieces))
        await response.write(piece)
    await response.write_eof()
    return response


async def _failing(request: web.Request, completion: Body) -> web.StreamResponse:
    response = await _begun(request)
    first, *_ = events(completion, piece=100)
    await response.write(first)
    await response.write(
        b'data: {"error": {"code": 502, "message": "Provider disconnected"},'
        b' "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]}\n\n'
    )
    await response.write_eof()
    return response


async def _after_blank_lines(request: web.Request, completion: Body) -> web.StreamResponse:
    response = await _begun(request, "application/json")
    for _ in range(5):
        await response.write(b"\n")
    await response.write(json.dumps(completion).encode())
    await response.write_eof()
    return response


def _without_usage(body: Body) -> Body:
    return {name: value for name, value in body.items() if name != "usage"}


def _numbers_as_strings(body: Body) -> Body:
    return {**body, "usage": {name: str(value) for name, value in body["usage"].items()}, "created": "1780000000"}


ANSWERS = (
    Behaviour(
        "thinks aloud before the answer",
        "vLLM without a reasoning parser (vllm #50938 and others)",
        mended("thoughts"),
        changes=with_text(lambda text: f"<think>Let me plan.</think>\n{text}"),
    ),
    Behaviour(
        "thinks aloud, and only the tag that ends it is sent",
        "vLLM (vllm #26239)",
        mended("thoughts"),
        changes=with_text(lambda text: f"Let me plan {{it}}.</think>{text}"),
    ),
    Behaviour("sends the channels of harmony", "own variation", mended("thoughts"), changes=with_text(_harmony)),
    Behaviour(
        "puts prose around the answer",
        "small models (fabrice-ai #118)",
        mended("text around it"),
        changes=with_text(lambda text: f"Here is the lesson:\n{text}\nHope this helps!"),
    ),
    Behaviour(
        "puts prose and a fence around the answer",
        "LM Studio (lmstudio-bug-tracker #2403)",
        mended("fence"),
        changes=with_text(lambda text: f"Here is the lesson:\n```json\n{text}\n```\nHope this helps!"),
    ),
    Behaviour(
        "sends the answer as reasoning_content",
        "vLLM's Qwen parser (vllm #50948)",
        mended("reasoning"),
        changes=_elsewhere("reasoning_content"),
    ),
    Behaviour("sends the answer as reasoning", "own variation", mended("reasoning"), changes=_elsewhere("reasoning")),
    Behaviour("streams the answer as reasoning_content", "own variation", mended("reasoning"), streams=_as_reasoning),
    Behaviour("sends the content in parts", "Mistral (nanobot #2494)", mended("content parts"), changes=_as_parts),
    Behaviour("sends the answer as a tool call", "own variation", mended("tool call"), changes=_as_tool_call),
    Behaviour(
        "sends blank lines once",
        "DeepSeek (dify #13068)",
        again("empty"),
        once=True,
        changes=with_text(lambda text: "\n\n\n"),
    ),
    Behaviour(
        "thinks, and says nothing then, once",
        "vLLM's Qwen parser (vllm #50948)",
        again("empty"),
        once=True,
        changes=lambda body: with_message(body, content="", reasoning_content="Let me think about {it}."),
    ),
    Behaviour(
        "sends no choices once",
        "own variation",
        again("empty"),
        once=True,
        changes=lambda body: {**body, "choices": []},
    ),
    Behaviour(
        "sends no content, ever",
        "DeepSeek (dify #13068)",
        Outcome("FAILED model_output_invalid", "was empty, also when it was asked for again"),
        changes=lambda body: with_message(body, content=None),
    ),
    Behaviour(
        "ends with a comma too many",
        "DeepSeek and others (DeepTutor #400)",
        mended("syntax"),
        changes=with_text(lambda text: f"{text[:-1]},}}"),
    ),
    Behaviour(
        "begins with a byte order mark", "own variation", mended("BOM"), changes=with_text(lambda text: f"\ufeff{text}")
    ),
    Behaviour(
        "puts the answer in a list",
        "own variation",
        mended("wrapper"),
        changes=with_text(lambda text: f"[{text}]"),
    ),
    Behaviour(
        "wraps the answer",
        "DeepSeek and others (DeepTutor #400)",
        mended("wrapper"),
        changes=with_text(lambda text: f'{{"lesson": {text}}}'),
    ),
    Behaviour(
        "sends the answer as a string of JSON", "own variation", mended("wrapper"), changes=with_text(json.dumps)
    ),
    Behaviour(
        "leaves line breaks in strings as they are",
        "DeepSeek and others (DeepTutor #400)",
        mended("line breaks"),
        changes=with_text(lambda text: _raw_line_breaks(_with_line_breaks(text))),
    ),
    Behaviour("quotes like Python", "own variation", mended("syntax"), changes=with_text(_single)),
    Behaviour("quotes like a book", "own variation", mended("syntax"), changes=with_text(_smart)),
    Behaviour(
        "leaves out the last bracket", "own variation", mended("syntax"), changes=with_text(lambda text: text[:-1])
    ),
    Behaviour(
        "breaks an answer off in the middle once",
        "several",
        again("wrong"),
        once=True,
        changes=lambda body: _finishing("error")(with_text(lambda text: text[: len(text) // 2])(body)),
    ),
    Behaviour("gives no reason for the end", "several", READY, changes=_finishing(None)),
    Behaviour("gives another reason for the end", "several", READY, changes=_finishing("eos")),
    Behaviour("counts no tokens", "several", READY, changes=_without_usage),
    Behaviour("sends null for the counts", "several", READY, changes=lambda body: {**body, "usage": None}),
    Behaviour("sends numbers as strings", "several", READY, changes=_numbers_as_strings),
    Behaviour("sends blank lines to keep the connection alive", "several", READY, streams=_after_blank_lines),
    Behaviour("sends comments between the pieces", "OpenRouter's streams", READY, streams=_with_comments),
    Behaviour("breaks a stream off once", "several", again("ModelUnavailable"), once=True, streams=_broken_off),
    Behaviour("reports an error in a stream once", "OpenRouter's streams", again("502"), once=True, streams=_failing),
    Behaviour(
        "falls silent in the middle once",
        "own variation",
        again("error"),
        once=True,
        streams=_silent,
        settings=(("timeout", 2),),
    ),
    Behaviour(
        "takes longer for an answer than OPENAI_TIMEOUT, but is never silent for so long",
        "llama.cpp without a graphics card",
        Outcome("READY", note="settings: OPENAI_STREAM=on"),
        streams=_slow,
        settings=(("timeout", 2), ("deadline", 20)),
    ),
    Behaviour(
        "cuts every answer at 512 tokens",
        "FastFlowLM, where its own limit is low (FastFlowLM #749)",
        Outcome("FAILED model_output_invalid", "OPENAI_MAX_OUTPUT_TOKENS"),
        changes=_cut,
    ),
    Behaviour(
        "refuses",
        "OpenAI's structured output",
        Outcome("FAILED model_refused", "I can't help with that"),
        changes=lambda body: with_message(body, content=None, refusal="I can't help with that."),
    ),
    Behaviour(
        "filters the answer",
        "Azure",
        Outcome("FAILED model_refused", "content filter"),
        changes=lambda body: _finishing("content_filter")(with_message(body, content=None)),
    ),
)
