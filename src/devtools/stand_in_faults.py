"""The faults of the stand-in: what can go wrong, for which calls, and what is answered then."""

from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from src.devtools.stand_in_call import Call

STATUS_FAULTS = frozenset({"400", "401", "402", "403", "404", "429", "500", "502", "503", "529", "quota"})
"""Faults that are answered with an HTTP status; `quota` is a 429."""
_ANSWER_FAULTS = frozenset(
    {"cut_off", "refusal", "content_filter", "no_choices", "no_content", "wrong_schema", "not_json"}
)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
LINE_FAULTS = {
    "reset": b"",
    "half": _HEAD % 5000 + b'{"id": "half of an answer',
    "no_http": b"Hello!\r\n\r\n",
    "no_utf8": _HEAD % 8 + b'{"\xff": 1}',
    "deep": _HEAD % 200_000 + b"[" * 200_000,
}
"""Faults of the connection, each with the bytes that are sent before it is closed."""
FAULTS = frozenset({*STATUS_FAULTS, *_ANSWER_FAULTS, "obey", "overwrite", "timeout", "hold", *LINE_FAULTS})
"""Every kind of fault. `timeout` answers after an hour, `hold` when it is told to (`POST /release`)."""


@dataclass(slots=True)
class Fault:
    """What should go wrong, how often, and for which calls."""

    kind: str
    times: int | None = 1
    """For how many calls; None: for all of them."""
    purpose: str | None = None
    lesson: int | None = None
    topic: str | None = None
    retry_after: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    """For `overwrite`: what the completion holds instead, at its top level."""
    says: str = ""
    """For `obey`: the answer of a model that does as it is told outside the data, if it is told anything there."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers that the answer has besides, such as `x-ratelimit-remaining-tokens`."""

    @classmethod
    def parsed(cls, fields: dict[str, Any]) -> Self:
        """Makes a fault from the JSON of `POST /faults`; raises `ValueError`."""
        try:
            fault = cls(**fields)
        except TypeError as error:
            raise ValueError(str(error)) from None
        if fault.kind not in FAULTS:
            raise ValueError(f"kind: one of {', '.join(sorted(FAULTS))}")
        return fault

    def fits(self, call: Call) -> bool:
        """Returns whether the fault applies to `call`."""
        return (
            self.times != 0
            and self.purpose in (None, call.purpose)
            and self.lesson in (None, call.lesson)
            and self.topic in (None, call.topic)
        )


def status_fault(fault: Fault) -> web.Response:
    """Returns the error that one of `STATUS_FAULTS` is answered with."""
    headers = {**fault.headers, **({"Retry-After": fault.retry_after} if fault.retry_after is not None else {})}
    match fault.kind:
        case "quota":
            return api_error(429, "insufficient_quota", "You exceeded your current quota.", headers)
        case "401":
            return api_error(401, "invalid_api_key", "Incorrect API key provided: sk-wrong*****cret.", headers)
        case "400":
            return api_error(400, "invalid_request_error", "gpt-9 is not a valid model ID")
        case "404":
            return api_error(404, "model_not_found", "The model does not exist.", headers)
        case "429":
            return api_error(429, "rate_limit_exceeded", "Rate limit reached.", headers)
        case status:
            return api_error(int(status), "server_error", "The server had an error.", headers)


def api_error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    """Returns an error in the form of the OpenAI API."""
    body = {"error": {"message": message, "type": code, "param": None, "code": code}}
    return web.json_response(body, status=status, headers=headers)
