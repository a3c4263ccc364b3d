import json

import pytest
from pydantic import ValidationError

from src.domain.finding import Severity
from src.domain.lesson import LessonText
from src.domain.outline import Outline
from src.domain.quality.mangled_formulas import mangled
from src.domain.quality.review import review_outline
from src.domain.request import CourseBrief
from tests.latex import FORMULAS, PROSE
from tests.lessons import PLAN, TEXT, outline


def found(text: str, language: str = "en") -> list[Severity]:
    """The severities of what is found in a text."""
    return [finding.severity for finding in mangled(text, "introduction", language)]


@pytest.mark.parametrize("formula", FORMULAS)
def test_formulas_that_are_whole_have_no_finding(formula: str) -> None:
    assert found(f"So {formula} holds.\n\n- {formula}\n- `{formula}`") == []


@pytest.mark.parametrize(
    ("language", "text"),
    # A carriage return alone is a line break to nobody any more, so it is taken for the start of a command.
    [(language, text) for language, texts in PROSE.items() for text in texts if "\r" not in text],
)
def test_prose_has_no_hard_finding(language: str, text: str) -> None:
    assert Severity.HARD not in found(text, language)


@pytest.mark.parametrize(
    "text",
    [
        "$2 \times 3$",
        "$a \neq b$",
        "$a \rho b$",
        "$\x0crac{1}{2}$",
        "$\x08eta$",
        "\\(x \to 0\\)",
        "$$\n\\alpha \nabla\n$$",
        "It is $2 \times 3, and so on.",
        "the \rho of water",
        "$\\\\frac{1}{2}$",
        "$x \\\\to 0$",
        "$\\\\{1, 2\\\\}$",
        "$\\\\begin{pmatrix} 1 & 2 \\\\\\\\ 3 & 4 \\\\end{pmatrix}$",
        "$frac{1}{2}$",
        "$x = sqrt{2}$",
    ],
)
def test_what_surely_is_no_formula_any_more_is_found(text: str) -> None:
    assert found(text) == [Severity.HARD]


@pytest.mark.parametrize("text", ["The angle \tau is small.", "So (\tan x) is 1."])
def test_what_may_be_none_is_repaired_but_fails_no_course(text: str) -> None:
    assert found(text) == [Severity.SOFT]


@pytest.mark.parametrize(
    "text",
    [
        "Name\tan\nOtto\tau",
        "It costs $5.\neg 3 or $6.",
        "```\n\times = 3\n$\times$\n```",
        "`$\\\\frac{1}{2}$`",
        "$$\nu = 3\n$$",
        "$$a \\\\ b$$",
        "$\\begin{aligned} a \\\\nu \\end{aligned}$",
        "\\\\server\\times",
        "$a \\\\{ b$",
        "$alpha = 3$",
        "$f_{max}$ and ${a}$",
    ],
)
def test_where_it_can_not_be_told_there_is_no_finding(text: str) -> None:
    assert found(text) == []


def test_an_outline_is_looked_at_too() -> None:
    plan = {**PLAN, "title": "Why $\\\\frac{1}{2}$", "description": "It is 2 \times 3."}
    review = review_outline(outline(plan), CourseBrief(topic="Cells", num_lessons=1))
    assert [(it.gate, it.severity, it.where) for it in review.hard] == [
        ("mangled_formula", Severity.HARD, "lessons.1")
    ] * 2


@pytest.mark.parametrize("shape", [LessonText, Outline])
def test_a_control_character_is_refused_with_words_that_help_to_repair_it(shape: type[LessonText | Outline]) -> None:
    answer = {**TEXT, "introduction": "A \x0crac"} if shape is LessonText else {"title": "A \times", "lessons": [PLAN]}
    with pytest.raises(ValidationError, match=r"backslash of a formula twice, as in \\\\frac"):
        shape.model_validate_json(json.dumps({"description": "D", **answer}))
