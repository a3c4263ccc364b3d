"""Errors that real servers have sent: whose fault they are, and what less is asked for after them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from src.config import OpenAISettings
from src.domain.errors import (
    ModelAccessDenied,
    ModelBusy,
    ModelFaultUnknown,
    ModelRefused,
    ModelUnavailable,
    PromptTooLong,
)
from src.services.model.abilities import Abilities, AbilityMemory, narrowed, stepped_down
from src.services.model.blame import blame
from src.services.model.complaint import Complaint, complaint, complaint_in
from src.services.model.server import judged

REPORTED = json.loads((Path(__file__).parents[1] / "data" / "server_errors.json").read_text())
CONFIG = OpenAISettings(temperature=0.5, top_p=0.9)


def said(status: int, body: str) -> Complaint:
    """What a server said with `status`; 200 is an error inside an answer that passes for a success."""
    return complaint_in(json.loads(body)) if status == 200 else complaint(status, body)


@pytest.mark.parametrize("reported", REPORTED, ids=lambda reported: f"{reported['server']} {reported['source']}"[:80])
def test_an_error_that_was_reported_is_sorted(reported: dict[str, Any]) -> None:
    assert blame(said(reported["status"], reported["body"])) == reported["blame"]


@pytest.mark.parametrize("reported", REPORTED, ids=lambda reported: f"{reported['server']} {reported['source']}"[:80])
def test_no_error_is_stepped_down_from_for_ever(reported: dict[str, Any]) -> None:
    able: Abilities | None = Abilities.at_first(CONFIG)
    steps = 0
    while able is not None:
        sent = {name: 1 for name in ("temperature", "top_p") if name not in able.left_out}
        able = stepped_down(able, said(reported["status"], reported["body"]), sent, CONFIG)
        steps += 1
    assert steps <= 10


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, '{"error": {"message": "It is wrong."}}', "It is wrong."),
        (400, '[{"error": {"message": "It is wrong."}}]', "It is wrong."),
        (400, '{"error": "It is wrong."}', "It is wrong."),
        (422, '{"detail": [{"loc": ["body", "x"], "msg": "It is wrong.", "input": "a topic"}]}', "It is wrong."),
        (422, '{"message": {"detail": [{"msg": "It is wrong."}]}}', "It is wrong."),
        (400, '{"message": "{\\"detail\\": \\"It is wrong.\\"}"}', "It is wrong."),
        (400, 'data: {"error": {"message": "It is wrong."}}', "It is wrong."),
        (502, "<html><head><title>502 Bad Gateway</title></head><body>\n nginx</body></html>", "502 Bad Gateway nginx"),
        (404, "404 page not found", "404 page not found"),
        (500, "", ""),
        (500, "[" * 100_000, "[[["),
        (400, '{"error": {"message": "a\\nb\\u0000c"}}', "a b"),
        (400, json.dumps({"error": {"message": "x" * 100_000}}), "xxx"),
    ],
)
def test_the_words_of_a_server_are_found_in_any_body(status: int, body: str, words: str) -> None:
    found = complaint(status, body)
    assert words in found.words
    assert len(found.words) <= 600
    assert "a topic" not in found.words


@pytest.mark.parametrize(
    ("status", "message", "kind", "says"),
    [
        (401, "Incorrect API key", ModelAccessDenied, "OPENAI_API_KEY"),
        (402, "Insufficient Balance", ModelAccessDenied, "balance is used up"),
        (404, "The model `x` does not exist.", ModelAccessDenied, "OPENAI_MODEL"),
        (404, "404 page not found", ModelAccessDenied, "OPENAI_BASE_URL"),
        (400, "Unsupported parameter: 'seed'", ModelAccessDenied, "docs/models.md"),
        (400, "context_length_exceeded", PromptTooLong, "too long"),
        (400, "flagged by our content filter", ModelRefused, "refuses what was asked"),
        (429, "Rate limit reached", ModelBusy, "busy"),
        (503, "Loading model", ModelUnavailable, "failed"),
        (418, "teapot", ModelFaultUnknown, "isn't known"),
    ],
)
def test_an_error_says_where_what_and_which_setting(
    status: int, message: str, kind: type[Exception], says: str
) -> None:
    error = judged(complaint(status, json.dumps({"error": {"message": message}}), "http://x/v1/chat/completions"))
    assert type(error) is kind
    assert says in str(error)
    assert f"http://x/v1/chat/completions answered {status}: {message}" in str(error)


@pytest.mark.parametrize(
    ("place", "setting"),
    [("http://x/v1/embeddings", "OPENAI_EMBEDDING_MODEL"), ("http://x/v1/chat/completions", "OPENAI_MODEL")],
)
def test_a_model_of_embeddings_has_its_own_setting(place: str, setting: str) -> None:
    assert f"check {setting}:" in str(judged(complaint(404, '{"error": "model not found"}', place)))


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (403, "Your account has been flagged for potentially violating our usage policies", "balance"),
        (400, "Your organization has been disabled for violating our Usage Policies", "balance"),
        (429, "Too many requests. See our usage policy.", "moment"),
        (502, "<html><body>Bad gateway. Acceptable usage policy</body></html>", "moment"),
        (403, "<html><body>Sorry, you have been blocked: a SQL command</body></html>", "unknown"),
        (422, "Input validation error: `inputs` must have less than 4095 tokens. Given: 6000", "length"),
        (400, "total number of tokens in the prompt cannot exceed 4081 - received 9000", "length"),
        (400, "max_tokens: 16000 > 8192, which is the maximum allowed number of output tokens", "length"),
        (500, "database schema migration in progress", "moment"),
        (500, "Internal error in chat template cache", "moment"),
        (503, "The model is currently not available, please try again later", "moment"),
        (500, "Failed to load model: out of memory", "moment"),
        (500, "Jinja Exception: System message must be at the beginning.", "request"),
        (400, "content_filter", "course"),
        (500, "content_filter", "course"),
    ],
)
def test_words_count_by_where_they_stand(status: int, message: str, expected: str) -> None:
    body = message if message.startswith("<") else json.dumps({"error": {"message": message}})
    assert blame(complaint(status, body)) == expected


def test_a_rate_that_is_named_inside_a_success_brakes() -> None:
    assert isinstance(judged(complaint_in({"error": {"code": "rate_limit_exceeded", "message": "Slow"}})), ModelBusy)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": [f"name {number}" for number in range(100_000)]}},
        [[[[["x" * 600] * 10] * 10] * 10] * 10],
        "<html>" + "<script " * 100_000,
        {"detail": [{"msg": "y" * 500}] * 100_000},
    ],
)
def test_a_body_without_end_is_read_at_its_beginning(body: Any) -> None:
    found = complaint(400, body if isinstance(body, str) else json.dumps(body))
    assert len(found.text) < 10_000


class TestMemory:
    def test_what_calls_side_by_side_find_out_adds_up(self) -> None:
        memory = AbilityMemory(CONFIG)
        first = memory.of("m")
        memory.learn("m", replace(first, context_tokens=4096, schema_told=True))
        memory.learn("m", replace(first, streaming="on", context_tokens=8192))
        memory.learn("m", first)
        assert memory.of("m") == replace(first, context_tokens=4096, schema_told=True, streaming="on")
        assert memory.of("another") == first

    def test_every_line_that_it_advises_can_be_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        config = OpenAISettings(temperature=0.5, temperature_outline=0.1, top_p=0.9, reasoning_effort_outline="low")
        first = Abilities.at_first(config)
        for less in (
            replace(first, json_mode="prompt", schema_limits=False, tokens_name=None, system_message=False),
            replace(first, json_mode="object", tokens_name="max_tokens", streaming="on", context_tokens=500),
            replace(first, output_tokens=100, left_out=frozenset({"temperature", "top_p", "reasoning_effort"})),
        ):
            with monkeypatch.context() as environment:
                for line in less.settings(first, config):
                    name, _, value = line.partition("=")
                    environment.setenv(name, value)
                found = Abilities.at_first(OpenAISettings())
            assert found == replace(less, left_out=frozenset(), output_tokens=None)

    def test_the_settings_of_outlines_are_named_for_outlines(self) -> None:
        config = OpenAISettings(temperature_outline=0.1)
        first = Abilities.at_first(config)
        less = replace(first, left_out=frozenset({"temperature"}))
        assert less.settings(first, config) == ["OPENAI_TEMPERATURE_OUTLINE="]


class TestSteps:
    @pytest.mark.parametrize(
        ("message", "sent", "line"),
        [
            ("response_format json_schema is unavailable", {}, "OPENAI_JSON_MODE=object"),
            ("Grammar error: Unimplemented keys: ['minItems']", {}, "OPENAI_SCHEMA_LIMITS=off"),
            ("Extra inputs are not permitted: max_completion_tokens", {}, "OPENAI_TOKENS_PARAMETER=max_tokens"),
            ("'temperature' is not supported", {"temperature": 1}, "OPENAI_TEMPERATURE="),
            ("stream is not supported", {}, "OPENAI_STREAM=off"),
            ("Upstream error: response_format json_schema is not supported", {}, "OPENAI_JSON_MODE=object"),
            ("System role not supported", {}, "OPENAI_SYSTEM_MESSAGE=off"),
        ],
    )
    def test_what_is_refused_is_left_out(self, message: str, sent: dict[str, Any], line: str) -> None:
        first = replace(Abilities.at_first(CONFIG), streaming="on")
        less = stepped_down(first, complaint(400, message), sent, CONFIG)
        assert less is not None
        assert less.settings(first, CONFIG) == [line]

    def test_a_server_that_takes_no_objects_is_told_in_words(self) -> None:
        objects = replace(Abilities.at_first(CONFIG), json_mode="object")
        said = complaint(400, """{"error": "'response_format.type' must be 'json_schema' or 'text'"}""")
        less = stepped_down(objects, said, {}, CONFIG)
        assert less is not None
        assert less.json_mode == "prompt"

    def test_what_is_set_by_name_is_not_given_up(self) -> None:
        config = OpenAISettings(
            json_mode="schema",
            schema_limits="on",
            tokens_parameter="max_completion_tokens",
            system_message="on",
            stream="on",
        )
        first = Abilities.at_first(config)
        for message in ("json_schema grammar", "max_completion_tokens", "System role not supported", "stream"):
            assert stepped_down(first, complaint(400, message), {}, config) is None

    @pytest.mark.parametrize(
        "message",
        [
            "max_tokens: 16000 > 8192, which is the maximum allowed number of output tokens",
            "max_tokens (16000) exceeds model limit 8192",
            "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
            "max_tokens is too large: 16000. This model supports at most 8192 completion tokens",
        ],
    )
    def test_the_longest_answer_is_no_size_of_a_context(self, message: str) -> None:
        less = narrowed(Abilities.at_first(CONFIG), complaint(400, message), 21_000)
        assert less is not None
        assert (less.output_tokens, less.context_tokens) == (8192, None)

    @pytest.mark.parametrize(
        ("message", "context"),
        [
            ("`inputs` must have less than 4095 tokens. Given: 6000", 4095),
            ("total number of tokens in the prompt cannot exceed 4081 - received 9000", 4081),
            (
                "maximum context length is 4096 tokens. However, you requested 9,000 (6,000 in the messages)",
                4096,
            ),
            ("Prompt contains 300000 tokens, too large for model with 8192 maximum context length", 8192),
            ("n_keep: 13055>= n_ctx: 4096", 4096),
            ("`inputs` tokens + `max_new_tokens` must be <= 2048. Given: 1887 `inputs` tokens", 2048),
            ("exceeded max context length by 4096 tokens", 7500),
            ("Please reduce the length of the messages.", 7500),
        ],
    )
    def test_the_size_of_the_context_is_read_or_guessed(self, message: str, context: int) -> None:
        less = narrowed(Abilities.at_first(CONFIG), complaint(400, message), 10_000)
        assert less is not None
        assert less.context_tokens == context

    def test_it_is_guessed_smaller_each_time_until_nothing_fits(self) -> None:
        able: Abilities | None = Abilities.at_first(CONFIG)
        sizes: list[int] = []
        while able is not None:
            able = narrowed(able, complaint(400, "The context length is exceeded."), 10_000)
            sizes += [able.context_tokens or 0] if able else []
        assert sizes == sorted(sizes, reverse=True)
        assert len(sizes) < 15
