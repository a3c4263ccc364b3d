"""Answers that name their choice in another way than word for word are put right, if it is sure which one they mean."""

import json
from typing import Any

import pytest

from src.domain.lesson import LessonText
from src.domain.quality.choice_labels import with_answers_among_choices
from tests.lessons import CHECK, PARTS, TEXT, TRUE


def answered(choices: Any, answer: Any) -> Any:
    return with_answers_among_choices({"checks": [{**CHECK, "choices": choices, "answer": answer}]})["checks"][0][
        "answer"
    ]


@pytest.mark.parametrize(
    ("choices", "answer", "meant"),
    [
        (["A) A rock", "B) A unit of life", "C) A star"], "B", "B) A unit of life"),
        (["A. A rock", "B. A unit of life", "C. A star"], "(B)", "B. A unit of life"),
        (["A) A rock", "B) A unit of life", "C) A star"], "A unit of life", "B) A unit of life"),
        (["A rock", "A unit of life", "A star"], "B) A unit of life", "A unit of life"),
        (["A rock", "A unit of life", "A star"], "a unit of life.", "A unit of life"),
        (["岩石", "生命的单位", "星星"], "生命的单位。", "生命的单位"),
        (["True", "False"], "true", "True"),
    ],
)
def test_it_becomes_the_choice_that_it_means(choices: list[str], answer: str, meant: str) -> None:
    assert answered(choices, answer) == meant


@pytest.mark.parametrize(
    ("choices", "answer"),
    [
        (["A rock", "A unit of life", "A star"], "B"),  # which one is B if nobody says so?
        (["A rock", "A unit of life", "A star"], "A unit"),
        (["A) A rock", "B) A unit of life"], "D"),
        (["A) A rock", "A) A unit of life"], "A"),
        (["-2.", "-2", "2"], "-2 ."),
        (["vitamin A", "vitamin B"], "vitamin C"),
        (None, "B"),
        (["A rock", 5], "B"),
        (["A rock", "A star"], 5),
    ],
)
def test_what_may_mean_another_one_stays(choices: Any, answer: Any) -> None:
    assert answered(choices, answer) == answer


@pytest.mark.parametrize("given", [{}, {"checks": None}, {"checks": ["x"]}, {"checks": [TRUE, PARTS]}, {"title": "T"}])
def test_the_rest_stays_as_it_is(given: dict[str, Any]) -> None:
    assert with_answers_among_choices(given) == given


def test_the_lesson_has_the_shape_that_was_asked_for_then() -> None:
    checks = [{**CHECK, "answer": "A unit of life."}, PARTS, TRUE]
    with pytest.raises(ValueError, match="word for word"):
        LessonText.model_validate(json.loads(json.dumps({**TEXT, "checks": checks})))
    assert LessonText.model_validate(with_answers_among_choices({**TEXT, "checks": checks})).checks[0].key == 1
