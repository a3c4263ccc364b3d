"""A behaviour of a model's server, and the fake server that shows it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from src.devtools.stand_in_model import StandInModel
from tests.stand_in import StandIn

Asked = dict[str, Any]
"""The body of a request."""
Body = Any
"""The body of an answer, as JSON."""


@dataclass(frozen=True)
class Outcome:
    """What must come of a course, and how many calls of its outline the server sees at least."""

    ends: str
    """`READY`, `FAILED <error_code>`, `WAITS` (for the moment to pass) or `STOPS` (claiming, until somebody acts)."""
    says: str = ""
    """What the reason says."""
    note: str = ""
    """What is on record, for READY courses: part of an outcome of a call, or of a line in the log."""

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.ends, self.says and f"says “{self.says}”", self.note)))


READY = Outcome("READY")


@dataclass(frozen=True)
class Behaviour:
    """What a server does otherwise than the stand-in."""

    name: str
    imitates: str
    """The server and the public report, or `own variation`."""
    outcome: Outcome
    refuses: Callable[[Asked], web.Response | None] = lambda asked: None
    """Returns an answer to a request that isn't given to the model."""
    changes: Callable[[Body], Body] = lambda body: body
    """Returns what is sent in place of a whole completion, which isn't streamed then."""
    only_if: Callable[[Asked], bool] = lambda asked: True
    """Whether it changes the answer to a request."""
    streams: Callable[[web.Request, Body], Awaitable[web.StreamResponse]] | None = None
    """Sends a completion in a way of its own."""
    once: bool = False
    """Whether it does so for the first call alone."""
    settings: tuple[tuple[str, Any], ...] = ()
    """Settings that the worker runs with, as if somebody had chosen them."""


class ZooModel(StandInModel):
    """The stand-in, with a behaviour."""

    behaviour: Behaviour

    def __post_init__(self) -> None:
        super().__post_init__()
        self._shown = 0
        self.asked: list[Asked] = []

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        self.asked.append(asked)
        shows = not (self.behaviour.once and self._shown)
        if shows and (refusal := self.behaviour.refuses(asked)) is not None:
            self._shown += 1
            return refusal
        return await super()._chat(request)

    async def _sent(
        self, request: web.Request, completion: dict[str, Any], headers: dict[str, str] | None, *, stream: bool
    ) -> web.StreamResponse:
        shows = not (self.behaviour.once and self._shown)
        asked = await request.json()
        changed = self.behaviour.changes(completion) if shows and self.behaviour.only_if(asked) else completion
        if shows and self.behaviour.streams is not None:
            self._shown += 1
            return await self.behaviour.streams(request, completion)
        if changed is completion:
            return await super()._sent(request, completion, headers, stream=stream)
        self._shown += 1
        return changed if isinstance(changed, web.StreamResponse) else web.json_response(changed)


class Zoo(StandIn):
    """A server with a behaviour, in a thread of the test run."""

    def __init__(self, behaviour: Behaviour, **settings: Any) -> None:
        """`settings` are those of `StandInModel`."""
        super().__init__(**settings)
        self._behaviour = behaviour
        self.model: ZooModel

    @property
    def asked(self) -> list[Asked]:
        """The bodies of all requests so far."""
        return self.model.asked

    def _model(self, **settings: Any) -> StandInModel:
        self.model = ZooModel(**settings)
        self.model.behaviour = self._behaviour
        return self.model


def error(status: int, body: Any) -> web.Response:
    """Returns an error with a body as JSON, or as it is if that is a string."""
    if isinstance(body, str):
        return web.Response(status=status, text=body)
    return web.json_response(body, status=status)


def openai_error(status: int, message: str, **fields: Any) -> web.Response:
    """Returns an error in the form of the OpenAI API."""
    named = {"type": "invalid_request_error", "param": None, "code": None, **fields}
    return error(status, {"error": {"message": message, **named}})


def message_of(body: Body) -> dict[str, Any]:
    """Returns the message in a completion."""
    return dict(body["choices"][0]["message"])


def with_message(body: Body, **fields: Any) -> Body:
    """Returns a completion whose message has these fields."""
    choice = body["choices"][0]
    return {**body, "choices": [{**choice, "message": {**choice["message"], **fields}}]}


def with_text(change: Callable[[str], str]) -> Callable[[Body], Body]:
    """Returns a change of the text of the answer."""
    return lambda body: with_message(body, content=change(message_of(body)["content"]))


async def silence() -> None:
    """Waits until the caller has gone."""
    await asyncio.Event().wait()
