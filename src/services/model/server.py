"""The OpenAI API, or a server that speaks it: the client, and what its errors mean.

The client's own retries are off. They are made here instead: under one total deadline per call, with the waits that the
server asks for, and with the brake that all calls of the process share. What an answer says is read in `answers.py`.
"""

import asyncio
import contextlib
import email.utils
import json
import math
import re
import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import urlsplit

import aiohttp
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
    ModelRefused,
    ModelUnavailable,
    OperatorError,
    Stopping,
)
from src.services.model.brake import LONGEST_WAIT, ModelBrake
from src.services.model.recording import http_client

T = TypeVar("T")

_log = structlog.get_logger(__name__)

_FIRST_WAIT, _LONGEST_BACKOFF = 0.5, 20.0
# The seconds that `ask_once` waits for an answer, at most.
_MOST_FOR_ONE_TRY = 10.0

# A quota that is used up is a 429 too, but waiting doesn't help. https://platform.openai.com/docs/guides/error-codes
_QUOTA_CODES = frozenset({"insufficient_quota", "billing_not_active", "billing_hard_limit_reached"})
_UNKNOWN_MODEL = re.compile(
    r"(model\b.{0,80}(not found|does not exist|doesn't exist|not a valid)|(not a valid|invalid|unknown) model\b)", re.I
)
_OPENAI = "https://api.openai.com/v1"


class RemoteCallsForbidden(OperatorError):
    """OPENAI_ALLOW_REMOTE is off, but the model's address is not on this machine."""


class ModelServer:
    """The client that all calls of the process go through. Build it in the running event loop, and `close` it."""

    def __init__(self, config: OpenAISettings) -> None:
        """Builds the client, without a call. Raises `RemoteCallsForbidden` or `RecordingError`."""
        calls_somebody = config.configured and config.replay_from is None
        if calls_somebody and not config.allow_remote and not _is_local(config.base_url):
            raise RemoteCallsForbidden(
                "OPENAI_ALLOW_REMOTE is off, but OPENAI_BASE_URL does not point to this machine: tests must not pay"
            )
        self._deadline = config.deadline
        self._one_try = min(config.timeout, _MOST_FOR_ONE_TRY)
        self._stopping = asyncio.Event()
        self.brake = ModelBrake(config.max_concurrent, config.deadline)
        # Given in any case, or the client would take an empty environment variable for an address.
        base_url = config.base_url or _OPENAI
        self.client = AsyncOpenAI(
            # A compatible server may need no key; the client insists on one.
            api_key=config.api_key or "none",
            base_url=base_url,
            timeout=config.timeout,
            max_retries=0,
            http_client=http_client(config, base_url),
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

        async def one_try() -> T:
            async with self.brake.turn(again=deadline.when() is not None) as turn:
                if deadline.when() is None:
                    deadline.reschedule(loop.time() + self._deadline)
                try:
                    answer = await _translated(request)
                except ModelBusy as error:
                    self.brake.refused(turn, error.retry_after)
                    raise
                except ModelUnavailable as error:
                    self.brake.pause(error.retry_after or 0.0)
                    raise
                self.brake.answered(turn)
                return answer

        retrying = AsyncRetrying(
            retry=retry_if_exception(_worth_another_call),
            wait=_wait,
            # Before its first turn only the brake can turn a call away, and that is final.
            stop=lambda state: loop.time() + state.upcoming_sleep >= (deadline.when() or -math.inf),
            before_sleep=_log_retry,
            sleep=self._pause,
            reraise=True,
        )
        try:
            async with asyncio.timeout(None) as deadline:
                return await retrying(one_try)
        except TimeoutError:
            raise ModelUnavailable(f"the model did not answer within {self._deadline:g} s") from None

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
    except (aiohttp.ClientError, json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        # The client lets these through: what came was no HTTP, no JSON, no UTF-8, or nested without end.
        name = type(error).__name__
        raise ModelUnavailable(f"the model's server sent something that can't be read: {name}") from error


def course_error(error: openai.OpenAIError) -> CourseError:
    """Returns the error of this project that an error of the client means.

    The class says whether another call may help; a `ModelUnavailable` also says when (`retry_after`).
    """
    match error:
        case openai.RateLimitError() if error.code not in _QUOTA_CODES:
            return ModelBusy(f"the model is busy: {error.message}", retry_after(error))
        case openai.RateLimitError():
            return ModelAccessDenied(f"the quota is used up: {error.message}")
        case openai.APIStatusError() if error.status_code == 402:
            return ModelAccessDenied(f"the balance is used up: {error.message}")
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return ModelAccessDenied(f"the model's server refuses the key: {error.message}")
        case openai.NotFoundError():
            return ModelAccessDenied(f"the model's server doesn't know what was asked for: {error.message}")
        case openai.BadRequestError() if _is_about_the_model(error):
            return ModelAccessDenied(f"the model's server doesn't know the model: {error.message}")
        case openai.APIConnectionError():  # a time-out is one too
            return ModelUnavailable(f"no answer from the model's server: {error.__cause__ or error}")
        case openai.APIStatusError() if error.status_code >= 500 or error.status_code in (408, 409):
            return ModelUnavailable(
                f"the model's server answered {error.status_code}: {error.message}", retry_after(error)
            )
        case openai.APIStatusError():
            return ModelRefused(f"the model's server answered {error.status_code}: {error.message}")
        case _:
            return ModelUnavailable(f"the model's server sent an answer that can't be read: {error}")


def _is_about_the_model(error: openai.BadRequestError) -> bool:
    # OpenAI answers 404 with model_not_found; other servers answer 400, in words of their own.
    return error.param == "model" or error.code == "model_not_found" or _UNKNOWN_MODEL.search(error.message) is not None


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


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    wait = state.next_action.sleep if state.next_action else 0
    _log.warning("the model is called again", action="model_retry", error=str(error), wait=round(wait, 2))


def _is_local(base_url: str | None) -> bool:
    host = urlsplit(base_url or "").hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
