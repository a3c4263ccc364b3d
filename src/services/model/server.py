"""The OpenAI API, or a server that speaks it: the client, and what its errors mean.

The client's own retries are off. They are made here instead: under one total deadline per call, with the waits that the
server asks for, and with the brake that all calls of the process share. What an answer says is read in `answers.py`.
"""

import asyncio
import contextlib
import email.utils
import math
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, assert_never

import aiohttp
import httpx2
import openai
import structlog
from openai import AsyncOpenAI
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from src.config import OpenAISettings
from src.domain.backoff import backoff
from src.domain.errors import (
    CourseError,
    ModelAccessDenied,
    ModelBusy,
    ModelFaultUnknown,
    ModelRefused,
    ModelUnavailable,
    ModelUntrusted,
    OperatorError,
    PromptTooLong,
    Stopping,
)
from src.services.model.address import Address
from src.services.model.blame import blame, is_about_rate
from src.services.model.brake import LONGEST_WAIT, ModelBrake
from src.services.model.complaint import Complaint, complaint
from src.services.model.recording import http_client

T = TypeVar("T")

_log = structlog.get_logger(__name__)

_FIRST_WAIT, _LONGEST_BACKOFF = 0.5, 20.0
# The seconds that `ask_once` waits for an answer, at most.
_MOST_FOR_ONE_TRY = 10.0


class RemoteCallsForbidden(OperatorError):
    """OPENAI_ALLOW_REMOTE is off, but the model's address is not on this machine."""


class ModelServer:
    """The client that all calls of the process go through. Build it in the running event loop, and `close` it."""

    def __init__(self, config: OpenAISettings, on_retry: Callable[[str], None] | None = None) -> None:
        """Builds the client, without a call. Raises `RemoteCallsForbidden`, `RecordingError` or `StartError`.

        `on_retry` is told why a call is made again, each time; the log has it in any case.
        """
        address = Address.given(config.base_url)
        calls_somebody = config.configured and config.replay_from is None
        if calls_somebody and not config.allow_remote and not address.is_local:
            raise RemoteCallsForbidden(
                "OPENAI_ALLOW_REMOTE is off, but OPENAI_BASE_URL does not point to this machine: tests must not pay"
            )
        self._on_retry = on_retry
        self._deadline = config.deadline
        self._one_try = min(config.timeout, _MOST_FOR_ONE_TRY)
        self._stopping = asyncio.Event()
        self.brake = ModelBrake(config.max_concurrent, config.deadline)
        # A compatible server may need no key; the client insists on one.
        api_key = config.api_key or "none"
        self.client = AsyncOpenAI(
            api_key=api_key,
            # Given in any case, or the client would take an empty environment variable for an address.
            base_url=address.base_url,
            default_query=address.query,
            default_headers=address.headers(api_key),
            timeout=config.timeout,
            max_retries=0,
            http_client=http_client(config, address),
        )

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Lets calls that are open end; from here on none is tried again, and none waits for its turn."""
        self._stopping.set()
        self.brake.stop()

    async def call(self, request: Callable[[], Awaitable[T]]) -> T:
        """Returns the answer to `request`, which is made again on transient faults until the deadline of a call.

        The deadline (`OPENAI_DEADLINE`, seconds) counts from the first turn, as a call that waits for it costs nothing
        yet. Raises `ModelUnavailable`, `ModelAccessDenied`, `ModelRefused` or `Stopping`.
        """
        loop = asyncio.get_running_loop()
        last = ""

        async def one_try() -> T:
            nonlocal last
            async with self.brake.turn(again=deadline.when() is not None) as turn:
                if deadline.when() is None:
                    deadline.reschedule(loop.time() + self._deadline)
                try:
                    answer = await _translated(request)
                except ModelBusy as error:
                    last = f"; the last try: {error}"
                    self.brake.refused(turn, error.retry_after)
                    raise
                except ModelUnavailable as error:
                    last = f"; the last try: {error}"
                    self.brake.pause(error.retry_after or 0.0)
                    raise
                self.brake.answered(turn)
                return answer

        retrying = AsyncRetrying(
            retry=retry_if_exception(_worth_another_call),
            wait=_wait,
            # Before its first turn only the brake can turn a call away, and that is final.
            stop=lambda state: loop.time() + state.upcoming_sleep >= (deadline.when() or -math.inf),
            before_sleep=self._tell_retry,
            sleep=self._pause,
            reraise=True,
        )
        try:
            async with asyncio.timeout(None) as deadline:
                return await retrying(one_try)
        except TimeoutError:
            raise ModelUnavailable(
                f"the model did not answer within {self._deadline:g} s (OPENAI_DEADLINE){last}"
            ) from None

    def _tell_retry(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        wait = state.next_action.sleep if state.next_action else 0
        _log.warning("the model is called again", action="model_retry", error=str(error), wait=round(wait, 2))
        if self._on_retry is not None:
            self._on_retry(str(error))

    async def ask_once(self, request: Callable[[], Awaitable[T]]) -> T:
        """Returns the answer to `request`, which is made once and given up after ten seconds at most.

        This is for calls that can be done without: they take no turn of the brake, and what comes of them doesn't brake
        the calls that courses need. Raises as `call` does.
        """
        try:
            async with asyncio.timeout(self._one_try):
                return await _translated(request)
        except TimeoutError:
            raise ModelUnavailable(f"the model did not answer within {self._one_try:g} s") from None

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        if self._stopping.is_set():
            raise Stopping

    async def close(self) -> None:
        """Closes the connections."""
        await self.client.close()


async def _translated(request: Callable[[], Awaitable[T]]) -> T:
    try:
        return await request()
    except openai.OpenAIError as error:
        raise course_error(error) from error
    except httpx2.TimeoutException as error:  # between two pieces of an answer
        raise ModelUnavailable("the model's server fell silent in the middle of its answer") from error
    except (httpx2.HTTPError, aiohttp.ClientError, ValueError, RecursionError) as error:
        # The client lets these through: what came was no HTTP, broke off, was no JSON, no UTF-8, or nested without end.
        name = type(error).__name__
        raise ModelUnavailable(f"the model's server sent something that can't be read: {name}") from error


def complaint_of(error: openai.APIStatusError) -> Complaint:
    """Returns what a server said in an error."""
    return complaint(error.status_code, error.response.text, _place(error), retry_after(error))


def course_error(error: openai.OpenAIError) -> CourseError:
    """Returns the error of this project that an error of the client means.

    The class says whether another call may help; a `ModelUnavailable` also says when (`retry_after`).
    """
    match error:
        case openai.APIConnectionError():  # a time-out is one too
            if _is_about_certificates(error):
                return ModelUntrusted(
                    f"the certificate of the model's server can't be verified ({_place(error)}): set OPENAI_CA_FILE to"
                    f" the file of the authority that has signed it: {error.__cause__}"
                )
            why = error.__cause__ or error
            return ModelUnavailable(f"no answer from the model's server, check OPENAI_BASE_URL: {_place(error)}: {why}")
        case openai.APIStatusError():
            return judged(complaint_of(error))
        case _:
            return ModelUnavailable(f"the model's server sent an answer that can't be read: {error}")


def judged(said: Complaint) -> CourseError:
    """Returns the error of this project that a complaint means."""
    place = said.place
    answered = f"{place} answered {said.status or 'an error'}: {said.words or '(nothing)'}"
    match blame(said):
        case "course":
            return ModelRefused(f"the model's server refuses what was asked: {answered}")
        case "length":
            return PromptTooLong(f"what was asked is too long for the model: {answered}")
        case "moment" if is_about_rate(said):
            return ModelBusy(f"the model is busy: {answered}", said.retry_after)
        case "moment":
            return ModelUnavailable(f"the model's server has failed: {answered}", said.retry_after)
        case "unknown":
            return ModelFaultUnknown(f"the model's server refuses, for a reason that isn't known: {answered}")
        case "balance":
            return ModelAccessDenied(f"the quota or balance is used up: {answered}")
        case "key":
            return ModelAccessDenied(
                f"the model's server refuses the key or wants one, check OPENAI_API_KEY: {answered}"
            )
        case "model":
            setting = "OPENAI_EMBEDDING_MODEL" if place.endswith("/embeddings") else "OPENAI_MODEL"
            return ModelAccessDenied(f"the model's server doesn't know the model, check {setting}: {answered}")
        case "url":
            setting = "VECTOR_DB_ID and OPENAI_BASE_URL" if "/vector_stores/" in place else "OPENAI_BASE_URL"
            setting += "" if "/v1" in place else " (most end in /v1)"
            return ModelAccessDenied(f"there is no model's server at this address, check {setting}: {answered}")
        case "request":
            return ModelAccessDenied(
                f"the model's server doesn't take a part of the request, see docs/models.md: {answered}"
            )
        case other:
            assert_never(other)


def _place(error: openai.APIError) -> str:
    """Returns the address that was called, without its query, which may hold a secret."""
    return str(error.request.url.copy_with(query=None))


def _is_about_certificates(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(cause):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def retry_after(error: openai.APIStatusError) -> float | None:
    """Returns the seconds that the server asks us to wait; None if it says nothing that can be read.

    `Retry-After` is a number of seconds or an HTTP date (RFC 9110, 10.2.3); `retry-after-ms` is OpenAI's own.
    """
    value = error.response.headers.get("retry-after-ms")
    if value is not None:
        return _seconds(value, 0.001)
    value = error.response.headers.get("retry-after")
    if value is None:
        return None
    seconds = _seconds(value, 1)
    if seconds is not None:
        return seconds
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _seconds(value: str, unit: float) -> float | None:
    try:
        seconds = float(value) * unit
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _worth_another_call(error: BaseException) -> bool:
    return (
        isinstance(error, ModelUnavailable)
        and not isinstance(error, ModelAccessDenied)
        and (error.retry_after is None or error.retry_after <= LONGEST_WAIT)
    )


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, ModelBusy):
        return 0.0  # the brake makes it wait for its next turn, like every other call
    asked = error.retry_after if isinstance(error, ModelUnavailable) else None
    # Never less than our own backoff: some servers ask for no wait at all, or for one that is over.
    return max(asked or 0.0, backoff(state.attempt_number, _FIRST_WAIT, _LONGEST_BACKOFF))
