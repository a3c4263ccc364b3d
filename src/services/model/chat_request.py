"""The body of a request: a question in the form that a server takes, and no longer than what its model can hold."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from src.config import OpenAISettings
from src.domain.errors import PromptTooLong
from src.domain.model_call import estimated_tokens
from src.services.model.abilities import SAMPLING, Abilities
from src.services.model.answer_schema import answer_schema
from src.services.model.question import ChatMessage, Parts, Question, schema_in_words

# With fewer tokens than that no lesson and no outline can be written.
_LEAST_OUTPUT = 512


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What is sent for one call."""

    body: dict[str, Any]
    prompt_tokens: int
    """The estimate for the prompt."""
    output_tokens: int
    """The most tokens that the answer may have."""
    passages_left_out: int


def chat_request(
    question: Question[Any, Any],
    exchange: Sequence[ChatMessage],
    parts: Parts[Any] | None,
    able: Abilities,
    config: OpenAISettings,
    *,
    at_length: bool = False,
) -> ChatRequest:
    """Returns the request that asks `question`, after which `exchange` was said, for `parts` of the answer or for all.

    As many passages as there is no room for are left out, those that fit the lesson least; all of them if the parts
    don't need any. `at_length`: an outline may be as long as a lesson. Raises `PromptTooLong` if it doesn't fit without
    any.
    """
    wanted = config.max_output_tokens
    if question.purpose == "outline" and not at_length:
        wanted = min(wanted, config.max_output_tokens_outline)
    wanted = min(wanted, able.output_tokens or wanted)
    context = able.context_tokens
    most, fewest = question.passages, question.fewest_passages
    if parts is not None and not parts.need_passages:
        most = fewest = 0
    for passages in range(most, fewest - 1, -1):
        body = _body(question, passages, exchange, parts, able, config)
        prompt = estimated_tokens(json.dumps(body, ensure_ascii=False))
        room = wanted if passages > fewest else _LEAST_OUTPUT
        if context is None or prompt + min(room, context // 2) <= context:
            output = wanted if context is None else min(wanted, context - prompt)
            if able.tokens_name is not None:
                body[able.tokens_name] = output
            return ChatRequest(body, prompt, output, question.passages - passages)
    raise PromptTooLong(
        f"the {question.purpose} can't be asked for in the {context} tokens of the model's context: with {fewest}"
        f" passages the prompt takes some {prompt} already; ask for fewer lessons, or raise the context of the model"
        " and OPENAI_CONTEXT_TOKENS"
    )


def _body(
    question: Question[Any, Any],
    passages: int,
    exchange: Sequence[ChatMessage],
    parts: Parts[Any] | None,
    able: Abilities,
    config: OpenAISettings,
) -> dict[str, Any]:
    messages = (*_first_messages(question, passages, able), *exchange)
    body: dict[str, Any] = {
        "model": model_for(question, config),
        "messages": [{"role": message.role, "content": _sendable(message.content)} for message in messages],
    }
    shape, name = (question.shape, question.purpose) if parts is None else (parts.shape, f"{question.purpose}_parts")
    if able.json_mode == "schema":
        limits = (question.limits if parts is None else parts.limits) if able.schema_limits else None
        schema = {"name": name, "strict": True, "schema": answer_schema(shape, limits)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif able.json_mode == "object":
        body["response_format"] = {"type": "json_object"}
    if able.streaming == "on":
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    for name in SAMPLING:
        value = _of_stage(name, question, config)
        if value is not None and name not in able.left_out:
            body[name] = value
    return body


def model_for(question: Question[Any, Any], config: OpenAISettings) -> str:
    """Returns the name of the model that is asked."""
    return str(_of_stage("model", question, config))


def _of_stage(name: str, question: Question[Any, Any], config: OpenAISettings) -> Any:
    """Returns a setting for the stage of a question: that of outlines if there is one, or else that of all."""
    for_outlines = getattr(config, f"{name}_outline") if question.purpose == "outline" else None
    return getattr(config, name) if for_outlines is None else for_outlines


def _first_messages(question: Question[Any, Any], passages: int, able: Abilities) -> tuple[ChatMessage, ...]:
    """Returns the messages that ask `question`: one of the system if there may be one, and one of the user."""
    instructions = question.prompt.text
    if able.json_mode != "schema" or able.schema_told:
        instructions += f"\n\n{schema_in_words(question.shape)}"
    data = question.data(passages)
    if able.system_message:
        return ChatMessage("system", instructions), ChatMessage("user", data)
    return (ChatMessage("user", f"{instructions}\n\n{data}"),)


def _sendable(text: str) -> str:
    # A lone surrogate, in a passage or in an answer that is to be repaired, can't be encoded in UTF-8.
    return text.encode(errors="replace").decode()
