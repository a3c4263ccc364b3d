from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.finding import Severity
from src.domain.outline import Outline
from src.domain.quality.review import review_outline
from src.domain.request import CourseBrief
from tests.lessons import PLAN, outline

SECOND = {**PLAN, "lesson_number": 2, "title": "Parts of Cells", "learning_objectives": ["Name the membrane"]}
BRIEF = CourseBrief(topic="Cells", num_lessons=2)


def gates(*plans: dict[str, Any], brief: CourseBrief = BRIEF) -> list[tuple[str, Severity, str]]:
    found = review_outline(outline(*plans), brief).findings
    return [(finding.gate, finding.severity, finding.where) for finding in found]


def test_a_good_outline_has_no_finding() -> None:
    assert gates(PLAN, SECOND) == []


def test_as_many_lessons_as_were_asked_for() -> None:
    assert gates(PLAN) == [("lesson_count", Severity.HARD, "lessons")]


@pytest.mark.parametrize(
    ("title", "alike"),
    [
        ("Cell Types", True),
        ("The types of a cell", True),
        ("Types of Cells 2", False),
        ("Types of Tissue", False),
    ],
)
def test_titles_that_say_the_same(title: str, alike: bool) -> None:
    found = gates({**PLAN, "title": "Types of Cells"}, {**SECOND, "title": title})
    assert found == ([("alike_titles", Severity.SOFT, "lessons.2.title")] if alike else [])


@pytest.mark.parametrize(
    ("language", "objective", "vague"),
    [
        ("en", "Understand how cells live", True),
        ("en", "Learners will be able to know the parts of a cell", True),
        ("en", "To appreciate the work of Robert Hooke", True),
        ("en", "Students will describe a cell", False),
        ("en", "Explain what it means to understand a cell", False),
        ("de", "Den Aufbau der Zelle verstehen", True),
        ("de", "Den Aufbau der Zelle beschreiben", False),
        ("fr", "Comprendre la cellule", False),  # not measured
    ],
)
def test_objectives_that_nobody_can_see_reached(language: str, objective: str, vague: bool) -> None:
    found = gates(
        {**PLAN, "learning_objectives": [objective]}, SECOND, brief=BRIEF.model_copy(update={"language": language})
    )
    where = "lessons.1.learning_objectives.1"
    assert [gate for gate in found if gate[0] != "outline_language"] == (
        [("vague_objective", Severity.SOFT, where)] if vague else []
    )


def test_an_objective_that_stands_twice() -> None:
    found = gates({**PLAN, "learning_objectives": ["Describe a cell", "describe a Cell"]}, SECOND)
    assert found == [("repeated_objective", Severity.SOFT, "lessons.1.learning_objectives.2")]


def test_words_for_somebody_else() -> None:
    assert gates({**PLAN, "description": "Lesson plan: what a cell is."}, SECOND) == [
        ("outline_leak", Severity.HARD, "lessons.1")
    ]


def test_the_words_of_the_request_are_no_leak() -> None:
    brief = CourseBrief(topic="How to write a lesson plan", num_lessons=2)
    assert gates({**PLAN, "description": "What a lesson plan is."}, SECOND, brief=brief) == []


def test_html_in_an_outline_but_for_the_words_of_the_request() -> None:
    hostile = {**PLAN, "title": "Cells <script>alert(1)</script>"}
    assert gates(hostile, SECOND) == [("raw_html", Severity.HARD, "lessons.1")]
    brief = CourseBrief(topic="The tag <script> in HTML", num_lessons=2)
    assert gates({**PLAN, "title": "The tag <script>"}, SECOND, brief=brief) == []


def test_an_outline_in_another_language() -> None:
    german = {
        **PLAN,
        "description": "Eine Zelle ist die kleinste Einheit des Lebens, und alle Tiere bestehen aus ihnen.",
    }
    other = {
        **SECOND,
        "description": "Hier geht es um die Teile der Zelle und um das, was sie für die Pflanze leisten.",
    }
    assert ("outline_language", Severity.HARD, "") in gates(german, other)
    assert gates(german, other, brief=BRIEF.model_copy(update={"language": "de"})) == []


labels = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60).filter(str.strip)


@given(
    st.lists(labels, min_size=1, max_size=4, unique_by=lambda title: title.strip().casefold()),
    st.lists(labels, min_size=1, max_size=3),
    st.sampled_from(["en", "de", "xx"]),
)
def test_no_gate_raises_whatever_the_outline(titles: list[str], texts: list[str], language: str) -> None:
    plans = [
        {
            "lesson_number": number,
            "title": title,
            "description": texts[0],
            "key_concepts": texts,
            "learning_objectives": texts,
        }
        for number, title in enumerate(titles, start=1)
    ]
    odd = Outline.model_validate({"title": texts[0], "description": texts[0], "lessons": plans})
    assert review_outline(odd, BRIEF.model_copy(update={"language": language})).value is odd
