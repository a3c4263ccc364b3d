"""Behaviours of servers that take less of the API than they are sent, or are away, full or not set up.

Their bodies are those of public reports; more of them are in `tests/data/server_errors.json`.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.zoo.behaviour import READY, Asked, Behaviour, Body, Outcome, error, openai_error, with_text


def adapted(setting: str) -> Outcome:
    return Outcome("READY", note=f"settings: {setting}")


def _if(condition: Callable[[Asked], bool], answer: Callable[[], web.Response]) -> Any:
    return lambda asked: answer() if condition(asked) else None


def _format(asked: Asked) -> str:
    return str(asked.get("response_format", {}).get("type"))


def _has_limits(asked: Asked) -> bool:
    return "minItems" in json.dumps(asked.get("response_format", {}))


def _has_system(asked: Asked) -> bool:
    return any(message["role"] == "system" for message in asked["messages"])


def _has_empty_assistant(asked: Asked) -> bool:
    return any(message["role"] == "assistant" and not message["content"].strip() for message in asked["messages"])


def _too_long(most: int) -> Callable[[Asked], bool]:
    """Whether prompt and answer together have more tokens than the context."""

    def is_too_long(asked: Asked) -> bool:
        prompt = sum(len(message["content"]) for message in asked["messages"]) // 4
        return bool(prompt + asked.get("max_completion_tokens", 0) > most)

    return is_too_long


def _always(answer: Callable[[], web.Response]) -> Any:
    return lambda asked: answer()


def _provider_error(code: int, message: str) -> Callable[[Asked], web.Response]:
    return lambda asked: error(200, {"error": {"code": code, "message": message}, "user_id": "user_1"})


async def _slowly(request: web.Request, completion: Body) -> web.StreamResponse:
    await asyncio.sleep(0.7)
    return web.json_response(completion)


_EXTRA = {"type": "extra_forbidden", "loc": ["body", "max_completion_tokens"], "msg": "Extra inputs are not permitted"}

REFUSALS = (
    Behaviour(
        "knows no json_schema",
        "DeepSeek (khoj #1336)",
        adapted("OPENAI_JSON_MODE=object"),
        refuses=_if(
            lambda asked: _format(asked) == "json_schema",
            lambda: openai_error(400, "This response_format type is unavailable now", code="invalid_request_error"),
        ),
    ),
    Behaviour(
        "knows no json_schema, and says so with 422",
        "DeepSeek (deep-research #22, litellm #7580)",
        adapted("OPENAI_JSON_MODE=object"),
        refuses=_if(
            lambda asked: _format(asked) == "json_schema",
            lambda: error(
                422,
                "Failed to deserialize the JSON body into the target type: response_format: response_format.type"
                " `json_schema` is unavailable now at line 1 column 9",
            ),
        ),
    ),
    Behaviour(
        "knows no response_format at all",
        "TGI",
        adapted("OPENAI_JSON_MODE=prompt"),
        refuses=_if(
            lambda asked: "response_format" in asked,
            lambda: error(
                422, {"error": "Input validation error: grammar is not supported", "error_type": "validation"}
            ),
        ),
    ),
    Behaviour(
        "knows no json_object, with a string for an error",
        "LM Studio (DeepTutor #344, esperanto #46)",
        READY,
        refuses=_if(
            lambda asked: _format(asked) == "json_object",
            lambda: error(400, {"error": "'response_format.type' must be 'json_schema' or 'text'"}),
        ),
    ),
    Behaviour(
        "takes no limits in a schema",
        "vLLM with xgrammar (vllm #16880)",
        adapted("OPENAI_SCHEMA_LIMITS=off"),
        refuses=_if(
            _has_limits,
            lambda: openai_error(400, "The provided JSON schema contains features not supported by xgrammar."),
        ),
    ),
    Behaviour(
        "takes no limits in a schema, and doesn't say why",
        "Gemini (vercel/ai #21192)",
        adapted("OPENAI_SCHEMA_LIMITS=off"),
        refuses=_if(
            _has_limits,
            lambda: error(
                400,
                [
                    {
                        "error": {
                            "code": 400,
                            "message": "Request contains an invalid argument.",
                            "status": "INVALID_ARGUMENT",
                        }
                    }
                ],
            ),
        ),
    ),
    Behaviour(
        "takes a schema and doesn't hold the model to it",
        "LM Studio, TGI and others, by their version",
        Outcome("READY", note="wrong"),
        changes=with_text(lambda text: json.dumps({"answer": f"In short: {text[:40]}"})),
        only_if=lambda asked: not any("JSON Schema" in message["content"] for message in asked["messages"]),
    ),
    Behaviour(
        "knows no max_completion_tokens",
        "Mistral, with 422 and an object for a message (eca #231)",
        adapted("OPENAI_TOKENS_PARAMETER=max_tokens"),
        refuses=_if(
            lambda asked: "max_completion_tokens" in asked,
            lambda: error(422, {"object": "error", "message": {"detail": [_EXTRA]}, "type": "invalid_request_error"}),
        ),
    ),
    Behaviour(
        "knows no max_completion_tokens, and says so in Python",
        "vLLM (void #128)",
        adapted("OPENAI_TOKENS_PARAMETER=max_tokens"),
        refuses=_if(
            lambda asked: "max_completion_tokens" in asked,
            lambda: error(400, {"object": "error", "message": f"[{_EXTRA!r}]", "type": "BadRequestError", "code": 400}),
        ),
    ),
    Behaviour(
        "writes no more than 4096 tokens",
        "OpenAI's older models",
        adapted("OPENAI_MAX_OUTPUT_TOKENS=4096"),
        refuses=_if(
            lambda asked: asked.get("max_completion_tokens", 0) > 4096,
            lambda: openai_error(
                400,
                "max_tokens is too large: 16000. This model supports at most 4096 completion tokens, whereas you"
                " provided 16000.",
                param="max_tokens",
            ),
        ),
    ),
    Behaviour(
        "has one temperature",
        "OpenAI's reasoning models",
        adapted("OPENAI_TEMPERATURE="),
        refuses=_if(
            lambda asked: "temperature" in asked,
            lambda: openai_error(
                400,
                "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is"
                " supported.",
                param="temperature",
                code="unsupported_value",
            ),
        ),
        settings=(("temperature", 0.7),),
    ),
    Behaviour(
        "is behind a gateway that waits no minute for an answer",
        "nginx and Cloudflare, by their defaults",
        adapted("OPENAI_STREAM=on"),
        refuses=_if(
            lambda asked: not asked.get("stream"),
            lambda: error(504, "<html><body><h1>504 Gateway Time-out</h1></body></html>"),
        ),
    ),
    Behaviour(
        "is slow, and doesn't stream",
        "own variation",
        adapted("OPENAI_STREAM=off"),
        refuses=_if(
            lambda asked: bool(asked.get("stream")),
            lambda: openai_error(400, "this server does not stream"),
        ),
        streams=_slowly,
        settings=(("timeout", 2), ("deadline", 20)),
    ),
    Behaviour(
        "has no system role",
        "vLLM with Gemma's template (vllm #2964)",
        adapted("OPENAI_SYSTEM_MESSAGE=off"),
        refuses=_if(
            _has_system,
            lambda: error(
                400,
                {"object": "error", "message": "System role not supported", "type": "BadRequestError", "code": 400},
            ),
        ),
    ),
    Behaviour(
        "takes no empty message of the assistant",
        "Mistral (OpenHands #8685, autogen #6083)",
        Outcome("READY", note="empty"),
        refuses=_if(_has_empty_assistant, lambda: openai_error(400, "Assistant message must have content")),
        once=True,
        changes=lambda body: {**body, "choices": [{**body["choices"][0], "message": {"content": ""}}]},
    ),
    Behaviour(
        "has a context of 4096 tokens",
        "vLLM, Ollama (ollama #17889)",
        Outcome("READY", note="passages left out"),
        refuses=_if(
            _too_long(4096),
            lambda: openai_error(
                400,
                "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens (3000 in the"
                " messages, 6000 in the completion). Please reduce the length of the messages or completion.",
                code=400,
            ),
        ),
    ),
    Behaviour(
        "has a small context, and gives no number",
        "Groq",
        Outcome("READY", note="settings: OPENAI_CONTEXT_TOKENS="),
        refuses=_if(
            _too_long(7000),
            lambda: openai_error(400, "Please reduce the length of the messages or completion."),
        ),
    ),
    Behaviour(
        "fails behind a gateway once, with status 200",
        "OpenRouter (inspect_ai #1534, mini-swe-agent #902)",
        Outcome("READY", note="502"),
        refuses=_provider_error(502, "Provider returned error"),
        once=True,
    ),
    Behaviour(
        "is busy behind a gateway once, with status 200",
        "OpenRouter (langchainjs #11417)",
        Outcome("READY", note="429"),
        refuses=_provider_error(429, "Provider returned error"),
        once=True,
    ),
    Behaviour(
        "fails behind a gateway always, with status 200",
        "OpenRouter",
        Outcome("WAITS", "Provider returned error"),
        refuses=_provider_error(502, "Provider returned error"),
    ),
    Behaviour(
        "loads its model once",
        "llama.cpp",
        Outcome("READY", note="503"),
        refuses=_always(
            lambda: error(503, {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}})
        ),
        once=True,
    ),
    Behaviour(
        "knows another key",
        "OpenAI",
        Outcome("STOPS", "OPENAI_API_KEY"),
        refuses=_always(lambda: openai_error(401, "Incorrect API key provided: sk-no.", code="invalid_api_key")),
    ),
    Behaviour(
        "knows another key, and says so with 400 and a list",
        "Gemini (gemini-cli #6678, ComfyUI-OllamaGemini #34)",
        Outcome("STOPS", "API key not valid"),
        refuses=_always(
            lambda: error(
                400,
                [
                    {
                        "error": {
                            "code": 400,
                            "message": "API key not valid. Please pass a valid API key.",
                            "status": "INVALID_ARGUMENT",
                        }
                    }
                ],
            )
        ),
    ),
    Behaviour(
        "has no money left",
        "DeepSeek (aider #4851)",
        Outcome("STOPS", "Insufficient Balance"),
        refuses=_always(
            lambda: openai_error(402, "Insufficient Balance", type="unknown_error", code="invalid_request_error")
        ),
    ),
    Behaviour(
        "doesn't have the model",
        "Ollama",
        Outcome("STOPS", "OPENAI_MODEL"),
        refuses=_always(
            lambda: openai_error(404, "model 'gpt-6-luna' not found, try pulling it first", type="not_found_error")
        ),
    ),
    Behaviour(
        "doesn't have the model, and says so with 400",
        "DeepSeek",
        Outcome("STOPS", "OPENAI_MODEL"),
        refuses=_always(lambda: openai_error(400, "Model Not Exist", code="invalid_request_error")),
    ),
    Behaviour(
        "is at another path",
        "Ollama without /v1 (hermes-agent #7516)",
        Outcome("STOPS", "404 page not found"),
        refuses=_always(lambda: error(404, "404 page not found")),
    ),
    Behaviour(
        "is at another path, and says so with 200",
        "LM Studio",
        Outcome("STOPS", "Unexpected endpoint"),
        refuses=_always(lambda: error(200, {"error": "Unexpected endpoint or method. (POST /chat/completions)"})),
    ),
    Behaviour(
        "is a web site, and answers everything with a page",
        "own variation",
        Outcome("STOPS", "OPENAI_BASE_URL"),
        refuses=_always(
            lambda: web.Response(text="<!DOCTYPE html><html><body>Hello!</body></html>", content_type="text/html")
        ),
    ),
    Behaviour(
        "filters the prompt",
        "Azure",
        Outcome("FAILED model_refused", "content management policy"),
        refuses=_always(
            lambda: openai_error(
                400,
                "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
                type=None,
                param="prompt",
                code="content_filter",
            )
        ),
    ),
    Behaviour(
        "flags the prompt with 403",
        "OpenRouter",
        Outcome("FAILED model_refused", "flagged"),
        refuses=_always(
            lambda: error(
                403,
                {
                    "error": {
                        "code": 403,
                        "message": 'x requires moderation on Y. Your input was flagged for "violence".',
                    }
                },
            )
        ),
    ),
    Behaviour(
        "answers outlines, and refuses lessons for a reason that nobody knows",
        "own variation",
        Outcome("STOPS", "for a reason that isn't known"),
        refuses=_if(lambda asked: "<lesson>{" in str(asked["messages"]), lambda: error(418, {"oops": 1})),
    ),
    Behaviour(
        "refuses for a reason that nobody knows",
        "own variation",
        Outcome("STOPS", "for a reason that isn't known"),
        refuses=_always(lambda: error(418, {"oops": 1})),
    ),
)
