"""Record and replay: calls to the model's server are kept in a file, and answered from it later without a network.

The file has one line of JSON for each call that succeeded: what was asked, and what came back. Nothing in it says who
asked: neither the request's headers nor the host are kept.
"""

import asyncio
import hashlib
import json
import os
from collections import deque
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Annotated, Any, Self

import httpx2
import structlog
from openai import DefaultAioHttpClient
from pydantic import BaseModel, ConfigDict, Field

from src.config import OpenAISettings
from src.domain.errors import ModelRefused, OperatorError
from src.services.model.address import Address, trusted
from src.services.model.bounded import bound

_log = structlog.get_logger(__name__)

# These describe how the body was sent; it is kept and handed on decoded and whole.
_TRANSFER_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding"})
# The seconds that a replay waits for the request that came before in the recording. If it comes at all, it comes within
# milliseconds.
_PATIENCE = 1.0


class RecordingError(OperatorError):
    """A file to record to or to replay from can't be used. The text names the setting and says why."""


class _RecordedCall(BaseModel):
    """One line of the file: a call and its answer."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    method: str
    path: str
    """The path below the base URL, so that a recording doesn't depend on where it was made."""
    digest: str
    """SHA-256 of the canonical JSON of `request`, in hexadecimal digits: a replay looks it up."""
    request: Any
    status: Annotated[int, Field(ge=200, lt=400)]
    headers: dict[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request asks, whoever sends it and wherever to."""

    method: str
    path: str
    digest: str
    body: Any

    @classmethod
    def by(cls, request: httpx2.Request, base_url: str) -> Self:
        base = httpx2.URL(base_url).raw_path.decode().rstrip("/")
        path = request.url.raw_path.decode().removeprefix(base)
        body = json.loads(request.content) if request.content else None
        canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
        return cls(request.method, path, hashlib.sha256(canonical.encode()).hexdigest(), body)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.method, self.path, self.digest


class RecordingTransport(httpx2.AsyncBaseTransport):
    """A transport that sends requests with another client, and appends the calls that succeed to a file."""

    def __init__(self, file: Path, base_url: str, client: httpx2.AsyncClient) -> None:
        """Opens `file`, or raises `RecordingError`. `client` is closed together with the transport."""
        try:
            # Unbuffered and appending, so that a line is one write, whoever else writes to the file. Only its owner may
            # read it, as prompts may hold what isn't for everybody on the machine.
            self._file: FileIO | None = FileIO(str(file), "ab", opener=lambda path, flags: os.open(path, flags, 0o600))
        except OSError as error:
            raise RecordingError(f"OPENAI_RECORD_TO: {file} can't be written: {error.strerror}") from error
        # One after the other, so that the lines stand in the order in which the answers are handed on.
        self._turn = asyncio.Lock()
        self._records: set[asyncio.Task[None]] = set()
        self._base_url = base_url
        self._client = client
        _log.info("calls to the model are recorded", action="model_recorded", file=str(file))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Returns the server's own answer."""
        response = await self._client.send(request)
        body = response.content
        headers = [(name, value) for name, value in response.headers.multi_items() if name not in _TRANSFER_HEADERS]
        if response.is_success and _is_json(body):
            line = _line(_Asked.by(request, self._base_url), response, body)
            # A task of its own, because the answer may have been paid for even if nobody waits for it any longer.
            record = asyncio.create_task(self._record(line), name="record")
            self._records.add(record)
            record.add_done_callback(self._records.discard)
            await asyncio.shield(record)
        return httpx2.Response(response.status_code, headers=headers, content=body, request=request)

    async def _record(self, line: bytes) -> None:
        async with self._turn:
            await asyncio.to_thread(self._append, line)

    def _append(self, line: bytes) -> None:
        if self._file is None:
            return
        try:
            if self._file.write(line) != len(line):
                raise OSError("no room for the whole line")
        except OSError as error:
            # The answer is there and may have been paid for, so the course goes on. But no more is recorded, as a
            # recording with a hole is of no use.
            self._file.close()
            self._file = None
            reason = error.strerror or str(error)
            _log.error("calls are not recorded any more", action="recording_failed", error=reason)

    async def aclose(self) -> None:
        """Closes the file, after the last line is written, and the client."""
        await asyncio.gather(*self._records)
        async with self._turn:
            if self._file is not None:
                self._file.close()
                self._file = None
        await self._client.aclose()


def _line(asked: _Asked, response: httpx2.Response, body: bytes) -> bytes:
    record = _RecordedCall(
        method=asked.method,
        path=asked.path,
        digest=asked.digest,
        request=asked.body,
        status=response.status_code,
        headers={
            name: value
            for name, value in response.headers.items()
            if name == "content-type" or name.startswith("x-ratelimit-")
        },
        body=body.decode(),
    )
    # A lone surrogate can't be encoded in UTF-8, but its escape is valid JSON.
    return json.dumps(record.model_dump(), ensure_ascii=False).encode(errors="backslashreplace") + b"\n"


class _FileOrder:
    """Lets answers out in the order in which they were recorded.

    Lessons that are written side by side depend on it: of two that say the same, the one that was answered later is
    repaired.
    """

    def __init__(self) -> None:
        self._next = 0
        """The first line whose answer is still to be given."""
        self._given: set[int] = set()
        self._waiting: set[int] = set()
        self._moved = asyncio.Condition()

    async def turn(self, line: int) -> None:
        """Waits until each line before `line` has had its turn, or nobody has asked for it in time."""
        async with self._moved:
            self._waiting.add(line)
            try:
                while self._next < line:
                    await self._step(line)
                self._given.add(line)
            finally:
                self._waiting.discard(line)
            while self._next in self._given:
                self._next += 1
            self._moved.notify_all()

    async def _step(self, line: int) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._moved.wait()
        except TimeoutError:
            if line == min(self._waiting):
                self._next = line


class ReplayingTransport(httpx2.AsyncBaseTransport):
    """A transport that answers from a recording, in the order of the file.

    If a request comes more often than it was recorded, its last answer is given again.
    """

    def __init__(self, file: Path, base_url: str) -> None:
        """Reads `file`, or raises `RecordingError`."""
        self._base_url = base_url
        self._answers: dict[tuple[str, str, str], deque[tuple[int, httpx2.Response]]] = {}
        self._order = _FileOrder()
        self._models: set[str] = set()
        try:
            lines = file.read_bytes().splitlines()
        except OSError as error:
            raise RecordingError(f"OPENAI_REPLAY_FROM: {file} can't be read: {error.strerror}") from error
        for number, line in enumerate(lines, start=1):
            try:
                self._add(number - 1, _RecordedCall.model_validate(json.loads(line)))
            except (ValueError, RecursionError):
                raise RecordingError(
                    f"OPENAI_REPLAY_FROM: line {number} of {file} is no recorded call; record the course again"
                ) from None
        if not lines:
            raise RecordingError(f"OPENAI_REPLAY_FROM: {file} is empty: nothing was recorded")
        _log.warning("no model is called: answers come from a file", action="model_replayed", file=str(file))

    def _add(self, line: int, record: _RecordedCall) -> None:
        # The headers on rate limits are left out: a file has no limits, and nobody should wait for it.
        headers = {name: value for name, value in record.headers.items() if name == "content-type"}
        answer = httpx2.Response(record.status, headers=headers, content=record.body.encode())
        self._answers.setdefault((record.method, record.path, record.digest), deque()).append((line, answer))
        if isinstance(record.request, dict) and "model" in record.request:
            self._models.add(str(record.request["model"]))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Returns the recorded answer. Raises `ModelRefused` if there is none, as asking again wouldn't help."""
        asked = _Asked.by(request, self._base_url)
        answers = self._answers.get(asked.key)
        if answers is None:
            raise ModelRefused(self._missing(asked))
        line, answer = answers[0] if len(answers) == 1 else answers.popleft()
        try:
            await self._order.turn(line)
        except BaseException:
            if answers[0][0] != line:
                answers.appendleft((line, answer))  # whoever asked is gone; the next one to ask gets it
            raise
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def _missing(self, asked: _Asked) -> str:
        model = asked.body.get("model") if isinstance(asked.body, dict) else None
        of_model = f" of the model {model}" if model else ""
        return (
            f"OPENAI_REPLAY_FROM has no answer to this {asked.method} {asked.path}{of_model} (request"
            f" {asked.digest[:12]}; the models in the file: {', '.join(sorted(self._models)) or 'none'}). Replay with"
            " the prompts, model, settings and sources that it was recorded with, or record the course again"
        )


def _is_json(body: bytes) -> bool:
    """Returns whether a body is an answer at all. A proxy's page, or half an answer, is a fault that is tried again."""
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def http_client(config: OpenAISettings, address: Address) -> httpx2.AsyncClient:
    """Returns the client that all calls go through: to the server, recorded if so set, or to a recording alone.

    Raises `RecordingError`.
    """
    if config.replay_from is not None:
        return DefaultAioHttpClient(transport=ReplayingTransport(config.replay_from, address.base_url))
    # What is on this machine is never reached by way of a proxy, whatever the environment says.
    client = DefaultAioHttpClient(
        verify=trusted(config.ca_file), trust_env=not address.is_local, event_hooks={"response": [bound]}
    )
    if config.record_to is not None:
        return DefaultAioHttpClient(transport=RecordingTransport(config.record_to, address.base_url, client))
    return client
