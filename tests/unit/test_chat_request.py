"""Requests: what is sent of a question, and what is left out where a model's context has no room."""

import json
from typing import Any

import pytest

from src.config import OpenAISettings
from src.domain.errors import PromptTooLong
from src.domain.finding import soft
from src.domain.model_call import estimated_tokens
from src.domain.quality.citations import markers
from src.domain.source import Passage
from src.services.model.abilities import Abilities
from src.services.model.chat_request import ChatRequest, chat_request
from src.services.model.prompts import lesson_question, outline_question
from src.services.model.question import ChatMessage, Question
from tests.lessons import outline_review, text
from tests.unit.test_prompts import BRIEF, OUTLINE, review

PASSAGES = [Passage(f"{number}.md", "", f"passage {number} " * 200, 1 / number) for number in range(1, 7)]


def question(*, fewest: int = 0) -> Question[Any, Any]:
    return lesson_question(BRIEF, OUTLINE, OUTLINE.lessons[0], PASSAGES, review, fewest_passages=fewest)


def asked(
    what: Question[Any, Any], exchange: tuple[ChatMessage, ...] = (), *, at_length: bool = False, **settings: Any
) -> ChatRequest:
    config = OpenAISettings(**settings)
    return chat_request(what, exchange, None, Abilities.at_first(config), config, at_length=at_length)


def given(request: ChatRequest) -> list[int]:
    said = request.body["messages"][1]["content"]
    return [number for number in range(1, 7) if f"passage {number} " in said]


def test_with_room_for_all_all_are_given() -> None:
    request = asked(question())
    assert (given(request), request.passages_left_out) == ([1, 2, 3, 4, 5, 6], 0)
    assert request.body["max_completion_tokens"] == 16_000


@pytest.mark.parametrize("context", [9000, 7000, 6000, 5000])
def test_those_that_fit_the_lesson_least_are_left_out_and_it_fits(context: int) -> None:
    request = asked(question(), context_tokens=context)
    kept = given(request)
    assert kept == list(range(1, len(kept) + 1))
    assert request.passages_left_out == 6 - len(kept) > 0
    sent = {name: value for name, value in request.body.items() if name != "max_completion_tokens"}
    assert estimated_tokens(json.dumps(sent)) + request.body["max_completion_tokens"] <= context


def test_an_answer_gets_half_of_a_small_context_before_any_passage_does() -> None:
    assert asked(question(), context_tokens=9000).output_tokens >= 4500


def test_what_a_lesson_can_not_do_without_is_kept_and_the_answer_may_be_shorter() -> None:
    request = asked(question(fewest=1), context_tokens=4000)
    assert given(request) == [1]
    assert 512 <= request.output_tokens < 2000


@pytest.mark.parametrize("fewest", [0, 1])
def test_a_prompt_that_can_not_be_made_to_fit_says_so(fewest: int) -> None:
    with pytest.raises(PromptTooLong, match=rf"1000 tokens of the model's context: with {fewest} passages .* OPENAI_"):
        asked(question(fewest=fewest), context_tokens=1000)


def test_a_repair_counts_too() -> None:
    exchange = (ChatMessage("assistant", "an answer " * 1000), ChatMessage("user", "mend it"))
    assert len(given(asked(question(), exchange, context_tokens=12_000))) < len(
        given(asked(question(), context_tokens=12_000))
    )


@pytest.mark.parametrize(("where", "passages"), [("checks.1", []), ("sections.1", [1, 2, 3, 4, 5, 6])])
def test_questions_are_written_again_without_the_passages(where: str, passages: list[int]) -> None:
    """They rest on the lesson, and passages are most of what a repair costs."""
    what = question(fewest=1)
    parts = what.parts(text(), [soft("duplicate_question", where, "it asks the same")])
    assert parts is not None
    config = OpenAISettings()
    request = chat_request(what, (), parts, Abilities.at_first(config), config)
    assert given(request) == passages


@pytest.mark.parametrize("where", ["checks.1", "introduction", "sections.1"])
def test_parts_are_written_again_beside_the_lesson_without_what_others_cite(where: str) -> None:
    """Quotations are a third of a lesson, and the repair of a part needs its own alone."""
    lesson = text()
    parts = question().parts(lesson, [soft("copied", where, "it is copied")])
    assert parts is not None and parts.beside is not None
    shown = json.loads(parts.beside)
    own = set(markers(lesson.fields().get(where, "")))
    assert [citation["number"] for citation in shown.pop("citations")] == [
        citation.number for citation in lesson.citations if citation.number in own
    ]
    assert shown == lesson.model_dump(mode="json", exclude={"citations"})


def test_an_outline_has_a_limit_of_its_own_until_one_was_cut_off() -> None:
    outline = outline_question(BRIEF, PASSAGES, outline_review)
    assert asked(outline).output_tokens == 6000
    assert asked(outline, at_length=True).output_tokens == 16_000
    assert asked(outline, max_output_tokens=500).output_tokens == 500


def test_what_is_not_set_is_not_sent() -> None:
    assert not {"temperature", "top_p", "reasoning_effort"} & asked(question()).body.keys()


def test_each_stage_has_what_is_set_for_it() -> None:
    settings: dict[str, Any] = {
        "temperature": 0.2,
        "temperature_outline": 0.0,
        "top_p": 0.9,
        "reasoning_effort_outline": "low",
    }
    lesson = asked(question(), **settings).body
    outline = asked(outline_question(BRIEF, [], outline_review), **settings).body
    assert (lesson["temperature"], lesson["top_p"], lesson.get("reasoning_effort")) == (0.2, 0.9, None)
    assert (outline["temperature"], outline["top_p"], outline["reasoning_effort"]) == (0.0, 0.9, "low")


class TestSchema:
    def schema(self, what: Question[Any, Any], **settings: Any) -> dict[str, Any]:
        schema: dict[str, Any] = asked(what, **settings).body["response_format"]["json_schema"]["schema"]
        return schema

    def test_an_outline_can_not_have_another_number_of_lessons(self) -> None:
        lessons = self.schema(outline_question(BRIEF, [], outline_review))["properties"]["lessons"]
        assert (lessons["minItems"], lessons["maxItems"]) == (2, 2)

    def test_a_lesson_has_as_many_questions_and_choices_as_may_be_and_tests_its_own_objectives(self) -> None:
        schema = self.schema(question())
        checks, check = schema["properties"]["checks"], schema["$defs"]["Check"]["properties"]
        assert (checks["minItems"], checks["maxItems"]) == (3, 5)
        assert check["kind"]["enum"] == ["multiple_choice", "true_false", "short_answer"]
        (choices,) = (kind for kind in check["choices"]["anyOf"] if kind["type"] == "array")
        assert (choices["minItems"], choices["maxItems"]) == (2, 6)
        objectives = len(OUTLINE.lessons[0].learning_objectives)
        assert (check["objective"]["minimum"], check["objective"]["maximum"]) == (1, objectives)

    def test_every_list_has_a_limit_so_that_no_answer_goes_on_without_end(self) -> None:
        for what in (question(), outline_question(BRIEF, [], outline_review)):
            for node in nodes(self.schema(what)):
                assert node.get("type") != "array" or node.get("maxItems"), node

    def test_without_limits_none_is_sent(self) -> None:
        for node in nodes(self.schema(question(), schema_limits="off")):
            assert not {"minItems", "maxItems", "minimum", "maximum"} & node.keys()


def nodes(schema: Any) -> list[dict[str, Any]]:
    found = [schema] if isinstance(schema, dict) else []
    children = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    return found + [node for child in children for node in nodes(child)]
