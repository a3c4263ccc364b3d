"""The stand-in model: a small HTTP server that speaks the OpenAI API, for demos, tests and benchmarks.

`POST /v1/chat/completions`, `POST /v1/embeddings`, `GET /v1/models`, `POST /v1/vector_stores/{id}/search` and
`GET /v1/vector_stores/{id}/files` are the API. `GET /stats` returns the counts of calls, `POST /faults` makes calls go
wrong, and `POST /release` lets held calls go on.
"""

import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiohttp import web

from src.devtools.stand_in_cache import PromptCache
from src.devtools.stand_in_call import Call, is_told_more_than_data, role_fault
from src.devtools.stand_in_embeddings import embedding, encoded
from src.devtools.stand_in_faults import LINE_FAULTS, STATUS_FAULTS, Fault, api_error, status_fault
from src.devtools.stand_in_lesson import parts_of, write_lesson
from src.devtools.stand_in_outline import write_outline
from src.devtools.stand_in_stream import streamed
from src.devtools.stand_in_vector_store import StandInVectorStore

LABEL = "stand-in"
"""The name under which the stand-in answers, and which goes on record with what it writes."""

# True of English text: https://help.openai.com/en/articles/4936856
_CHARACTERS_PER_TOKEN = 4
# Prefixes of the calls that `calls` in the statistics leaves out; `by_step` has them.
_NOT_THE_MODEL = ("vector_store/", "embeddings")


@dataclass
class StandInModel:
    """The server and its state.

    `latency` and `jitter` are seconds; `rates` gives each kind of fault its chance, from 0 to 1. If more calls than
    `capacity` are open at once, those beyond it are answered with 429.
    """

    latency: float = 0.0
    jitter: float = 0.0
    rates: dict[str, float] = field(default_factory=dict)
    sources: Path | None = None
    seed: int = 0
    capacity: int | None = None

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._faults: list[Fault] = []
        self._released = asyncio.Event()
        self._calls: Counter[str] = Counter()
        self._open = self._most_open = self._held = self._faulted = 0
        self._cache = PromptCache()
        self._vector_store = StandInVectorStore(self.sources, self._calls)

    def application(self) -> web.Application:
        """Returns the application that serves all routes."""
        application = web.Application(client_max_size=32 * 1024 * 1024)
        application.router.add_post("/v1/chat/completions", self._counted(self._chat))
        application.router.add_post("/v1/embeddings", self._embeddings)
        application.router.add_get("/v1/models", self._models)
        application.router.add_get("/v1/models/{model}", self._model)
        application.router.add_routes(self._vector_store.routes())
        application.router.add_get("/stats", self._stats)
        application.router.add_post("/faults", self._add_fault)
        application.router.add_delete("/faults", self._clear_faults)
        application.router.add_post("/release", self._release)
        return application

    def _counted(self, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Any:
        async def counted(request: web.Request) -> web.StreamResponse:
            self._open += 1
            self._most_open = max(self._most_open, self._open)
            try:
                return await handler(request)
            finally:
                self._open -= 1

        return counted

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        started = time.monotonic()
        asked = await request.json()
        if (fault_of_roles := role_fault(asked)) is not None:
            return api_error(400, "invalid_request_error", fault_of_roles)
        call = Call.parsed(asked)
        self._calls[f"{call.topic}/{call.step}"] += 1
        fault = self._fault(call)
        if fault is None and self.capacity is not None and self._open > self.capacity:
            fault = Fault("429")
        self._faulted += fault is not None
        if fault is not None and fault.kind in STATUS_FAULTS:
            return status_fault(fault)
        if fault is not None and fault.kind in LINE_FAULTS:
            assert isinstance(request.transport, asyncio.Transport)
            request.transport.write(LINE_FAULTS[fault.kind])
            request.transport.close()
            return web.Response()
        if fault is not None and fault.kind == "timeout":
            await asyncio.sleep(3600)
        if fault is not None and fault.kind == "hold":
            await self._hold()
        is_led_astray = fault is not None and fault.kind == "obey" and is_told_more_than_data(asked)
        answer = fault.says if fault is not None and is_led_astray else _written(call)
        wanted = self.latency + self._random.uniform(-self.jitter, self.jitter)
        # The time that writing has taken is part of the latency, as it is with a model.
        await asyncio.sleep(max(0.0, wanted - (time.monotonic() - started)))
        prompt = sum(len(message.get("content") or "") for message in asked["messages"])
        cached = self._cache.cached(asked["messages"])
        completion = _completion(answer, fault, prompt, cached, asked.get("max_completion_tokens"))
        return await self._sent(
            request, completion, fault.headers if fault else None, stream=bool(asked.get("stream")) and fault is None
        )

    async def _sent(
        self, request: web.Request, completion: dict[str, Any], headers: dict[str, str] | None, *, stream: bool
    ) -> web.StreamResponse:
        """Sends a completion; the tests' zoo of servers sends it in other ways."""
        return await streamed(request, completion) if stream else web.json_response(completion, headers=headers)

    def _fault(self, call: Call) -> Fault | None:
        for fault in self._faults:
            if fault.fits(call):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        for kind, rate in self.rates.items():
            if self._random.random() < rate:
                return Fault(kind)
        return None

    async def _hold(self) -> None:
        self._held += 1
        try:
            await self._released.wait()
        finally:
            self._held -= 1

    async def _models(self, _request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [_model_card(LABEL)]})

    async def _model(self, request: web.Request) -> web.Response:
        return web.json_response(_model_card(request.match_info["model"]))

    async def _embeddings(self, request: web.Request) -> web.Response:
        asked = await request.json()
        texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
        call = Call("embeddings", "embeddings", None, {}, [])
        self._calls["embeddings"] += 1
        if (fault := self._fault(call)) is not None and fault.kind in STATUS_FAULTS:
            self._faulted += 1
            return status_fault(fault)
        if fault is not None and fault.kind == "timeout":
            self._faulted += 1
            await asyncio.sleep(3600)
        data = [
            {"object": "embedding", "index": index, "embedding": encoded(embedding(text), asked.get("encoding_format"))}
            for index, text in enumerate(texts)
        ]
        tokens = sum(map(len, texts)) // _CHARACTERS_PER_TOKEN
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return web.json_response({"object": "list", "data": data, "model": asked["model"], "usage": usage})

    async def _stats(self, _request: web.Request) -> web.Response:
        total = sum(times for name, times in self._calls.items() if not name.startswith(_NOT_THE_MODEL))
        return web.json_response(
            {
                "calls": total,
                "by_step": dict(self._calls),
                "open": self._open,
                "most_open": self._most_open,
                "held": self._held,
                "faulted": self._faulted,
            }
        )

    async def _add_fault(self, request: web.Request) -> web.Response:
        try:
            self._faults.append(Fault.parsed(await request.json()))
        except ValueError as error:
            return api_error(400, "invalid_request_error", str(error))
        self._released.clear()
        return web.json_response({"faults": len(self._faults)})

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self._faults.clear()
        return web.json_response({"faults": 0})

    async def _release(self, _request: web.Request) -> web.Response:
        held = self._held
        self._released.set()
        return web.json_response({"released": held})


def serve(model: StandInModel, host: str, port: int) -> None:
    """Serves until it is interrupted, and prints its address once it listens."""

    async def run() -> None:
        # A call ends if its caller goes away, so that only those are open that somebody waits for.
        runner = web.AppRunner(model.application(), access_log=None, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, host, port, backlog=1024).start()
        print(f"stand-in model: OPENAI_BASE_URL=http://{host}:{port}/v1", flush=True)
        await asyncio.Event().wait()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run())


def _written(call: Call) -> str:
    if call.purpose == "chat":
        return f"This is the {LABEL} model. It writes courses for the course generator and nothing else."
    if call.lesson is None:
        return json.dumps(write_outline(call.course, call.passages), ensure_ascii=False)
    lesson = write_lesson(call.course, call.lesson, call.passages)
    return json.dumps(lesson if call.parts is None else parts_of(lesson, call.parts), ensure_ascii=False)


def _completion(
    answer: str, fault: Fault | None, prompt_characters: int, cached_characters: int, most_tokens: int | None
) -> dict[str, Any]:
    kind = fault.kind if fault else None
    message: dict[str, Any] = {"role": "assistant", "content": answer, "refusal": None}
    finish_reason = "stop"
    if most_tokens is not None and len(answer) // _CHARACTERS_PER_TOKEN > most_tokens:
        message["content"], finish_reason = answer[: most_tokens * _CHARACTERS_PER_TOKEN], "length"
    match kind:
        case "cut_off":
            message["content"], finish_reason = answer[: len(answer) // 2], "length"
        case "refusal":
            message["content"], message["refusal"] = None, "I can't help with that."
        case "content_filter":
            message["content"], finish_reason = None, "content_filter"
        case "no_content":
            message["content"] = None
        case "wrong_schema":
            message["content"] = json.dumps({"title": "An answer to another question"})
        case "not_json":
            message["content"] = f"Certainly! Here is your lesson: {answer[:40]}"
    choices = [{"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}]
    tokens = prompt_characters // _CHARACTERS_PER_TOKEN, len(message["content"] or "") // _CHARACTERS_PER_TOKEN
    completion = {
        "id": f"chatcmpl-{uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": LABEL,
        "choices": [] if kind == "no_choices" else choices,
        "usage": {
            "prompt_tokens": tokens[0],
            "completion_tokens": tokens[1],
            "total_tokens": sum(tokens),
            "prompt_tokens_details": {"cached_tokens": cached_characters // _CHARACTERS_PER_TOKEN},
        },
    }
    return completion | (fault.fields if fault else {})


def _model_card(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": LABEL}
