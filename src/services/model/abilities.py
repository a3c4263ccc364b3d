"""What a model's server can, as far as it was found out: a request that it refuses is made again with less in it.

Servers that speak the OpenAI API take different parts of it. What one has refused isn't sent to it again as long as the
process lives, and one line in the log names the setting that says so from the start.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Literal, Self

import structlog

from src.config import OpenAISettings
from src.services.model.complaint import Complaint

_log = structlog.get_logger(__name__)

JsonMode = Literal["schema", "object", "prompt"]
TokensName = Literal["max_completion_tokens", "max_tokens"]

_TOKENS_NAMES: Mapping[str, TokensName | None] = {
    "auto": "max_completion_tokens",
    "max_completion_tokens": "max_completion_tokens",
    "max_tokens": "max_tokens",
    "off": None,
}
# A stream is for answers that take so long that somebody between here and the model may take it for dead. Each of its
# pieces costs some 27 microseconds of processor, and an answer may have thousands; a whole answer costs 700 in all.
Streaming = Literal["not yet", "on", "never"]
_STREAMING: Mapping[str, Streaming] = {"auto": "not yet", "on": "on", "off": "never"}
_STREAMING_ORDER: tuple[Streaming, ...] = ("not yet", "on", "never")
# Gateways that wait no longer for a whole answer: Cloudflare's is 524.
GAVE_UP_WAITING = frozenset({408, 504, 524})
_LESS_JSON: Mapping[JsonMode, JsonMode] = {"schema": "object", "object": "prompt"}
# Parameters that are sent only if they are set, and without which the server does as it likes.
SAMPLING = ("temperature", "top_p", "reasoning_effort")

_ABOUT_STREAMS = re.compile(r"\bstream")
_ABOUT_JSON = re.compile(
    r"response_?format|json_schema|json_object|json schema|structured output|wrong_api_format|grammar|\bschema\b"
)
_ABOUT_LIMITS = re.compile(
    r"(?:min|max)(?:items|imum)|\benum\b|grammar|too many states|invalid schema|unsupported features?"
    r"|features not supported|\bschema (?:is|has|contains)|invalid argument"
)
_ABOUT_SYSTEM = re.compile(
    r"system[ _](?:role|message|prompt|instruction)|developer instruction|\brole|jinja|template|unknown variant"
)
# With less there is no room for a prompt and its answer.
_LEAST_CONTEXT = 500
_NUMBER = r"(\d{3,9})\b"
_THOUSANDS = re.compile(r"(?<=\d)[,_](?=\d{3})")
# What a server says of the largest number of tokens that it writes for one answer.
_MOST_OUTPUT = re.compile(
    r"max(?:_completion)?_tokens(?:"
    r".{0,200}?(?:at most|<=|maximum(?: of| value)?|\[ ?1,|less than or equal to)"
    r"|\W{0,5}\d+\W{0,5}(?:>|exceeds?(?: the)?(?: model)?(?: limit| maximum)?(?: of)?)"
    rf") ?{_NUMBER}"
)
# What it says of the context, which the prompt and the answer share.
_CONTEXT = re.compile(
    r"(?:context|limit|maximum|allowed|n_ctx|max size|must be <=|length should be \[1,|(?:less|fewer) than|exceed)"
    rf"(?:(?!\bby\b)[^\d]){{0,40}}?{_NUMBER}|{_NUMBER} (?:tokens? )?maximum"
)


@dataclass(frozen=True, slots=True)
class Abilities:
    """The parts of the API that a model is asked with."""

    json_mode: JsonMode
    schema_limits: bool
    """Whether the schema says how many there are of each list, and which numbers are allowed."""
    schema_told: bool
    """Whether the schema stands in the system message too: the server takes it, but doesn't hold the model to it."""
    tokens_name: TokensName | None
    system_message: bool
    """Whether the model is given its instructions as a system message; if not, before the first of the user."""
    streaming: Streaming
    left_out: frozenset[str] = frozenset()
    """Those of `SAMPLING` that it doesn't take."""
    context_tokens: int | None = None
    output_tokens: int | None = None

    @classmethod
    def at_first(cls, config: OpenAISettings) -> Self:
        """Returns what a model is asked with until its server has refused something."""
        return cls(
            json_mode="schema" if config.json_mode == "auto" else config.json_mode,
            schema_limits=config.schema_limits != "off",
            schema_told=False,
            tokens_name=_TOKENS_NAMES[config.tokens_parameter],
            system_message=config.system_message != "off",
            streaming=_STREAMING[config.stream] if config.record_to is None and config.replay_from is None else "never",
            context_tokens=config.context_tokens,
        )

    def described(self) -> str:
        """Returns what a model is asked with, for people."""
        json = {"schema": "JSON held to a schema", "object": "JSON objects", "prompt": "words alone"}[self.json_mode]
        if self.json_mode == "schema":
            json += " with limits" if self.schema_limits else " without limits"
            json += ", which it doesn't keep to" if self.schema_told else ""
        parts = [
            json,
            "a system message" if self.system_message else "no system message",
            self.tokens_name or "no limit on tokens",
            "streams" if self.streaming == "on" else "whole answers",
        ]
        parts += [f"no {name}" for name in sorted(self.left_out)]
        parts += [f"a context of {self.context_tokens} tokens"] if self.context_tokens else []
        parts += [f"at most {self.output_tokens} tokens in an answer"] if self.output_tokens else []
        return "; ".join(parts)

    def with_less_of(self, other: "Abilities") -> "Abilities":
        """Returns what is left of both: calls side by side find out different things."""
        modes, names = tuple(_LESS_JSON), ("max_completion_tokens", "max_tokens", None)
        return Abilities(
            json_mode=max(self.json_mode, other.json_mode, key=(*modes, "prompt").index),
            schema_limits=self.schema_limits and other.schema_limits,
            schema_told=self.schema_told or other.schema_told,
            tokens_name=max(self.tokens_name, other.tokens_name, key=names.index),
            system_message=self.system_message and other.system_message,
            streaming=max(self.streaming, other.streaming, key=_STREAMING_ORDER.index),
            left_out=self.left_out | other.left_out,
            context_tokens=_smaller(self.context_tokens, other.context_tokens),
            output_tokens=_smaller(self.output_tokens, other.output_tokens),
        )

    def settings(self, before: "Abilities", config: OpenAISettings) -> list[str]:
        """Returns the lines of `.env` that say what is known now and wasn't `before`, where `config` is set."""
        lines = []
        if self.json_mode != before.json_mode:
            lines.append(f"OPENAI_JSON_MODE={self.json_mode}")
        if self.schema_limits != before.schema_limits:
            lines.append("OPENAI_SCHEMA_LIMITS=off")
        if self.tokens_name != before.tokens_name:
            lines.append(f"OPENAI_TOKENS_PARAMETER={self.tokens_name or 'off'}")
        if self.system_message != before.system_message:
            lines.append("OPENAI_SYSTEM_MESSAGE=off")
        if self.streaming != before.streaming:
            lines.append(f"OPENAI_STREAM={'on' if self.streaming == 'on' else 'off'}")
        lines += [
            f"OPENAI_{setting.upper()}="
            for name in SAMPLING
            if name in self.left_out - before.left_out
            for setting in (name, f"{name}_outline")
            if getattr(config, setting) is not None
        ]
        if self.context_tokens != before.context_tokens:
            lines.append(f"OPENAI_CONTEXT_TOKENS={self.context_tokens}")
        if self.output_tokens != before.output_tokens:
            lines.append(f"OPENAI_MAX_OUTPUT_TOKENS={self.output_tokens}")
        return lines


class AbilityMemory:
    """What is known of each model of a server. A process has one, which all of its slots share."""

    def __init__(self, config: OpenAISettings) -> None:
        self._config = config
        self._first = Abilities.at_first(config)
        self._known: dict[str, Abilities] = {}

    def of(self, model: str) -> Abilities:
        """Returns what `model` is asked with."""
        return self._known.get(model, self._first)

    def settings(self) -> list[str]:
        """Returns the lines of `.env` for all that was learned, which fit all models."""
        return reduce(Abilities.with_less_of, self._known.values(), self._first).settings(self._first, self._config)

    def learn(self, model: str, able: Abilities) -> None:
        """Adds what was found out of `model`, and says so in the log if it is asked in another way from then on."""
        before = self.of(model)
        self._known[model] = after = before.with_less_of(able)
        if settings := after.settings(before, self._config):
            _log.warning(
                "the model is asked in another way from now on; these settings spare the attempt",
                action="model_adapted",
                model=model,
                settings=" ".join(settings),
            )


def _smaller(one: int | None, other: int | None) -> int | None:
    return min((number for number in (one, other) if number is not None), default=None)


def stepped_down(able: Abilities, said: Complaint, sent: Mapping[str, Any], config: OpenAISettings) -> Abilities | None:
    """Returns the abilities that are left after a server has refused a request, or None if that can't be told.

    `sent` is the body of the request. What the settings ask for by name is never given up, but for how the model
    chooses its words (`SAMPLING`), which it can do without.
    """
    text = said.text
    for name in SAMPLING:
        if name in sent and name in text:
            return replace(able, left_out=able.left_out | {name})
    if able.streaming == "on" and config.stream == "auto" and _ABOUT_STREAMS.search(text):
        return replace(able, streaming="never")
    if able.tokens_name is not None and config.tokens_parameter == "auto" and able.tokens_name in text:
        # A server that refuses the second name too gets none.
        is_first = able.tokens_name == "max_completion_tokens"
        return replace(able, tokens_name="max_tokens" if is_first else None)
    if able.json_mode != "prompt" and (_ABOUT_JSON.search(text) or _ABOUT_LIMITS.search(text)):
        return _less_json(able, text, config)
    if able.system_message and config.system_message == "auto" and _ABOUT_SYSTEM.search(text):
        return replace(able, system_message=False)
    return None


def _less_json(able: Abilities, text: str, config: OpenAISettings) -> Abilities | None:
    has_limits = able.json_mode == "schema" and able.schema_limits
    if has_limits and config.schema_limits == "auto" and _ABOUT_LIMITS.search(text):
        return replace(able, schema_limits=False)
    if config.json_mode == "auto":
        return replace(able, json_mode=_LESS_JSON[able.json_mode])
    return None


def as_slow(able: Abilities) -> Abilities:
    """Returns the abilities after an answer took long, or too long: from then on they are streamed."""
    return replace(able, streaming="on") if able.streaming == "not yet" else able


def narrowed(able: Abilities, said: Complaint, asked_for: int) -> Abilities | None:
    """Returns the abilities after a server has found a request too long; None if it can't be made any shorter.

    `asked_for`: the tokens of the prompt, as they are estimated, and those that the answer might have.
    """
    text = _THOUSANDS.sub("", said.words.lower())
    most = _MOST_OUTPUT.search(text)
    if most is not None and (able.output_tokens is None or int(most[1]) < able.output_tokens):
        return replace(able, output_tokens=int(most[1]))
    known = min(able.context_tokens or asked_for, asked_for)
    told = [int(number) for numbers in _CONTEXT.findall(text) for number in numbers if number]
    fitting = [number for number in told if _LEAST_CONTEXT <= number < known]
    # If the number is known already, or there is none, the estimate may be too low for this text.
    fewer = min(fitting) if fitting else known * 3 // 4
    return replace(able, context_tokens=fewer) if fewer >= _LEAST_CONTEXT else None
