"""Whose fault it is if a model's server doesn't answer: one function for every error of every server.

The rules are taken from errors that real servers have sent (`tests/data/server_errors.json`). A status alone tells
little: Gemini refuses a wrong key with 400, OpenRouter a text with 403, and LM Studio a wrong path with 200.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from src.services.model.complaint import WEB_PAGE, Complaint

Blame = Literal["course", "length", "key", "balance", "model", "url", "request", "moment", "unknown"]
"""Whose fault an error is: of what was asked (`course`, `length`), of a setting, or of the moment.

`request`: a parameter, format or order of messages that the server doesn't take. `unknown`: no rule knows it.
"""


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases))


# In this order: a sentence on an account may speak of policies as one on a text does, one on a filter may name the
# prompt, one on money the key or tokens, one on length the model.
_RULES: tuple[tuple[Blame, re.Pattern[str]], ...] = (
    (
        "balance",
        _any(
            r"\b(?:account|organi[sz]ation|project|api key)\b.{0,40}(?:flagged|disabled|suspended)",
            r"\b(?:account|organi[sz]ation|project|api key)\b.{0,40}(?:deactivated|restricted)",
        ),
    ),
    (
        "course",
        _any(
            r"content[ _-]?(?:filter|policy|management policy|exists risk)",
            r"prohibited_content",
            r"data_inspection_failed",
            r"invalid_prompt",
            r"responsible_?ai",
            r"moderation_blocked",
            r"flagged",
            r"requires moderation",
            r"inappropriate content",
            r"safety (?:system|settings|filter)",
            r"usage polic",
        ),
    ),
    (
        "balance",
        _any(
            r"insufficient[ _](?:quota|balance|credit|fund)",
            r"exceeded your current quota",
            r"billing_(?:not_active|hard_limit)",
            r"requires more credits",
            r"credit balance",
            r"monthly limit",
            r"budget[ _](?:has been )?exceeded",
            r"exceeded budget",
            r"payment required",
            r"out of credits",
            r"account.{0,20}(?:arrears|overdue|suspended)",
            r"tokens? per day",
            r"\btpd\b",
        ),
    ),
    (
        "length",
        _any(
            r"context[ _](?:length|size|window)",
            r"maximum (?:context|prompt|input|sequence)",
            r"exceed_context",
            r"prompt is too long",
            r"input is too long",
            r"too many (?:input )?tokens in",
            r"input token count",
            r"input length",
            r"prompt (?:token count|contains|tokens)",
            r"(?:length|size) of (?:the|your) (?:messages|prompt|input)",
            r"request (?:body )?(?:is )?too large",
            r"reduce (?:the|your) (?:length|prompt|message|input)",
            r"message size",
            r"max_new_tokens",
            r"keep the first",
            r"cannot truncate",
            r"exceeds? the (?:limit|maximum number) of \d* ?tokens?",
            r"too long for (?:the|this) model",
            r"must have (?:less|fewer) than \d+ tokens",
            r"tokens? .{0,60}(?:cannot|can't|must not) exceed",
            r"longer than .{0,40}(?:tokens|context|model)",
            r"max(?:_completion)?_tokens\W{0,5}\d+\W{0,5}(?:>|exceeds?)",
            r"model token limit",
            r"string_above_max_length",
            r"max(?:_completion)?_tokens.{0,80}too large",
            r"(?:valid range of|value|invalid) max(?:_completion)?_tokens",
            r"max(?:_completion)?_tokens.{0,200}(?:at most|maximum|<=)",
        ),
    ),
    (
        "key",
        _any(
            r"(?:api|subscription|access)[ _-]?key",
            r"invalid[ _](?:token|proxy|auth)",
            r"auth(?:entication|orization)? (?:error|fail)",
            r"authentication_error",
            r"unauthorized",
            r"unauthenticated",
            r"credentials",
            r"user not found",
            r"no_db_connection",  # LiteLLM's, which looks a key that isn't its own up in a database
            r"token_not_found",
            r"permission[ _]denied",
            r"access denied",
            r"\bforbidden\b",
        ),
    ),
    (
        "model",
        _any(
            r"model_?not_?found",
            r"model_not_supported",
            r"deploymentnotfound",
            r"deployment .{0,60}(?:does not|doesn't) exist",
            r"models?\b.{0,160}(?:not found|(?:does not|doesn't|not) exist|not a valid|not available)",
            r"models?\b.{0,160}(?:no longer|deprecated)",
            r"(?:invalid|unknown|unsupported|not a valid|no such|no) (?:deployment|model)\b",
            r"no endpoints? (?:found|available)",
            r"try pulling",
            r"not (?:allowed|authorized) to access model",
            r"no models? loaded",
            r"failed to load model",
        ),
    ),
    (
        "request",
        _any(
            r"response_format",
            r"json_schema",
            r"json_object",
            r"structured output",
            r"grammar",
            r"xgrammar",
            r"\bschema\b",
            r"unsupported (?:parameter|value)",
            r"unsupported_(?:parameter|value)",
            r"extra_forbidden",
            r"extra inputs",
            r"unknown variant",
            r"(?:property|parameter|argument|field)s? .{0,80}(?:not supported|unsupported|not permitted)",
            r"(?:property|parameter|argument|field)s? .{0,80}(?:unknown|invalid)",
            r"(?:unrecognized|unknown|unexpected|invalid) (?:request )?(?:argument|parameter|field|keyword)",
            r"max_completion_tokens",
            r"max_tokens",
            r"temperature",
            r"top_p",
            r"reasoning_effort",
            r"stream_options",
            r"only (?:the )?default",
            r"system (?:role|message|prompt|instruction)",
            r"developer instruction",
            r"roles? must",
            r"must alternate",
            r"jinja",
            r"template",
            r"failed to deserialize",
            r"validation[ _]error",
            r"wrong_api_format",
            r"input should be",
            r"either content or tool_calls",
            r"non-empty content",
            r"not empty",
            r"'messages'",
            r"does not support thinking",
            r"streaming is not supported",
            r"does(?: not|n't) stream",
        ),
    ),
    (
        "url",
        _any(
            r"page not found",
            r"file not found",
            r"unexpected endpoint",
            r"invalid url",
            r"unknown (?:request )?url",
            r"no route",
            r"cannot post",
            r"resource not found",
            r"method not allowed",
            r"unknown endpoint",
            r"route .{0,80}not found",
            r"a web page:.{0,200}not found",
        ),
    ),
    (
        "moment",
        _any(
            r"rate[ _-]?limit",
            r"too many requests",
            r"overloaded",
            r"try again",
            r"temporar",
            r"loading",
            r"please wait",
            r"busy",
            r"capacity",
            r"time[ds]?[ -]?out",
            r"timeout",
            r"upstream",
            r"unavailable",
            r"out of memory",
            r"runner process",
            r"connection (?:reset|refused|error)",
            r"provider returned error",
            r"json_validate_failed",
            r"bad gateway",
            r"server[ _]error",
            r"internal error",
            r"crashed",
            r"\bgeneration\b",
        ),
    ),
)
# Codes that say it for certain, whatever the status is.
_FILTERED = re.compile(
    r"content_filter|prohibited_content|content was flagged|moderation_blocked|data_inspection_failed"
)
# With a server's own fault (5xx) words mean less: a page or a log line may hold any of them. These say for certain that
# the same request fails again, and those that it may pass.
_LASTING = re.compile(
    r"jinja|raise_exception|must alternate|system (?:message|role)|response_format|json_schema|grammar error"
    r"|parse grammar|unsupported (?:parameter|value)|context (?:length|size)|exceed_context|not found|does not exist"
)
_MAY_PASS = re.compile(r"try again|currently|temporar|in progress|out of memory|overloaded|loading|time[ds]?[ -]?out")
_OF_STATUS: Mapping[int, Blame] = {401: "key", 403: "key", 402: "balance", 404: "url", 405: "url", 413: "length"}
# A status that says it all, whatever the words are: servers give texts of their own with it.
_PASSING = frozenset({408, 409, 425, 429})


@lru_cache(maxsize=256)
def blame(said: Complaint) -> Blame:
    """Returns whose fault an error is."""
    found: Blame | None = next((name for name, words in _RULES if words.search(said.text)), None)
    is_page = said.words.startswith(WEB_PAGE)
    if said.status == 200 and not said.inside:
        return "url"  # a web page in place of an answer
    if found == "course" and (is_page or said.status == 429 or said.status >= 500):
        found = "course" if _FILTERED.search(said.text) else None
    if said.status in _PASSING:
        # The words on a rate often name a limit of tokens, or a page about the key or billing.
        return found if found in ("balance", "course") or (found and _is_too_large(said)) else "moment"
    if said.status >= 500:
        return _blame_of_5xx(said, found)
    if said.status in (401, 402):
        return found if found in ("balance", "model") else _OF_STATUS[said.status]
    if said.status == 403 and is_page:
        return "unknown"  # of whatever stands before the server: it may be this text that it doesn't let through
    if found is None or found == "moment":
        nothing_known: Blame = "moment" if said.inside and said.status == 0 else "unknown"
        return _OF_STATUS.get(said.status) or found or nothing_known
    return "url" if found == "key" and said.status == 404 else found


def _blame_of_5xx(said: Complaint, found: Blame | None) -> Blame:
    if found in ("balance", "course"):
        return found
    is_certain = _LASTING.search(said.text) and not _MAY_PASS.search(said.text)
    return found if is_certain and found in ("length", "model", "request") else "moment"


def is_about_rate(said: Complaint) -> bool:
    """Returns whether the server says that calls come too fast."""
    return said.status == 429 or (said.inside and "rate_limit" in said.text)


def _is_too_large(said: Complaint) -> bool:
    # One request that is larger than what a minute allows never passes.
    return "request too large" in said.text or "request body too large" in said.text
