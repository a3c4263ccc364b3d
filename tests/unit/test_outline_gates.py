from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.finding import Severity
from src.domain.outline import Outline
from src.domain.quality.review import review_outline
from src.domain.request import CourseBrief
from tests.lessons import PLAN, outline

SECOND = {
    **PLAN,
    "lesson_number": 2,
    "title": "Parts of Cells",
    "key_concepts": ["membrane"],
    "learning_objectives": ["Name the membrane"],
}
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
    ("language", "title", "other"),
    [
        ("es", "Interés simple", "Interés simple: introducción"),
        ("fr", "Calculer une vitesse", "Calculer une vitesse : introduction"),
        ("pt", "O que é o dinheiro?", "O que é o dinheiro?: visão geral"),
        ("ru", "Давление в жидкости", "Введение: давление в жидкости"),
    ],
)
def test_an_introduction_to_what_another_title_says_is_the_same(language: str, title: str, other: str) -> None:
    brief = CourseBrief(topic="…", num_lessons=2, language=language)
    found = gates({**PLAN, "title": title}, {**SECOND, "title": other}, brief=brief)
    assert ("alike_titles", Severity.SOFT, "lessons.2.title") in found


VAGUE = {
    "en": [
        "Understand how cells live",
        "Understand the three main ideas of the lesson",
        "Learners will be able to know the parts of a cell",
        "By the end of this lesson, students will fully understand cells",
        "To appreciate the work of Robert Hooke",
        "Value the contribution of women",
        "Master the basics of chess",
        "Discover how plants live",
        "Be aware of the risks",
        "Feel confident about fractions",
        "Believe in fair play",
        "Be able to understand a map",
        "Have a grasp of fractions",
        "Get to know the instruments",
        "Get a better understanding of maps",
        "Realize the importance of water",
        "Learn to appreciate music",
        "Gain a deep understanding of cells",
        "An appreciation of art",
    ],
    "de": [
        "Den Aufbau der Zelle verstehen",
        "Verstehen, wie Zellen leben",
        "Die Grundlagen der Algebra beherrschen",
        "Den Zauber der Musik entdecken",
        "Sich der Gefahren bewusst sein",
        "Ein Gefühl für Zahlen bekommen",
        "Die Lernenden verstehen den Aufbau der Zelle",
        "Du weißt, was ein Bruch ist",
    ],
    "es": [
        "Comprender la célula",
        "Saber qué es una célula",
        "Ser capaz de entender un mapa",
        "El alumno conocerá Roma",
    ],
    "fr": ["Comprendre la cellule", "Savoir ce qu’est une cellule", "Être capable de comprendre une carte"],
    "pt": ["Compreender a célula", "Saber o que é uma célula", "Ter noção dos riscos"],
    "it": ["Capire come vivono le piante", "Sapere che cosa è una cellula", "Essere consapevoli dei rischi"],
    "ru": ["Понимать строение клетки", "Познакомиться с картой", "Ученик должен знать планеты"],
}
OBSERVABLE = {
    "en": [
        "Get the total by adding",
        "Students will describe a cell",
        "Explain what it means to understand a cell",
        "Feel for a pulse",
        "Value a company by its cash flow",
        "Grasp the pencil with three fingers",
        "Learn the poem by heart",
        "Learn to count to ten",
        "Apply knowledge of fractions to recipes",
        "Realize a figured bass at the keyboard",
        "See whether a number is even",
        "Study the map and mark the rivers",
        "Develop a photograph",
    ],
    "de": [
        "Den Aufbau der Zelle beschreiben",
        "Erklären, wie wir Sprachen lernen",
        "Beschreiben, wie Tiere die Welt verstehen",
        "Ein Gedicht auswendig lernen",
        "Die Länge eines Seils schätzen",
    ],
    "es": ["Saber calcular un porcentaje", "Aprender a contar hasta diez", "Sentir el pulso en la muñeca"],
    "fr": ["Savoir calculer une vitesse", "Apprendre à compter", "Réaliser une maquette"],
    "pt": ["Saber calcular um preço", "Explicar como compreender um mapa"],
    "it": ["Imparare a contare", "Imparare a memoria la poesia", "Essere in grado di calcolare"],
    "ru": ["Узнавать ямб по схеме", "Научиться считать", "Оценить площадь"],
    "hi": ["कोशिका को समझना"],  # not measured
}


def aims(language: str, *objectives: str) -> list[str]:
    """The gates that find something in these objectives, but for the language of the outline."""
    plan = {**PLAN, "learning_objectives": list(objectives)}
    found = gates(plan, SECOND, brief=BRIEF.model_copy(update={"language": language}))
    return [gate for gate, _, _ in found if gate != "outline_language"]


@pytest.mark.parametrize(("language", "objective"), [(tag, text) for tag, texts in VAGUE.items() for text in texts])
def test_an_objective_that_nobody_can_see_reached_is_found(language: str, objective: str) -> None:
    assert aims(language, objective) == ["vague_objective"]


@pytest.mark.parametrize(
    ("language", "objective"), [(tag, text) for tag, texts in OBSERVABLE.items() for text in texts]
)
def test_an_objective_that_can_be_seen_reached_is_not_vague(language: str, objective: str) -> None:
    assert aims(language, objective) == []


def plans(language: str, *changes: dict[str, Any], topic: str = "Cells") -> list[tuple[str, str]]:
    """The gates about concepts that find something in plans of two lessons, and where."""
    one, two = ({**plan, **change} for plan, change in zip((PLAN, SECOND), changes, strict=True))
    found = gates(one, two, brief=CourseBrief(topic=topic, num_lessons=2, language=language))
    return [(gate, where) for gate, _, where in found if gate in ("concept_used_early", "repeated_concept")]


@pytest.mark.parametrize(
    ("language", "concept", "objective"),
    [
        ("en", "limiting reactant", "Find the limiting reactant of a reaction"),
        ("en", "mole ratio", "Compare mole ratios"),
        ("en", "chlorophyll", "Explain the task of chlorophyll"),
        ("de", "Sonatenhauptsatzform", "Die Sonatenhauptsatzform an einem Beispiel erklären"),
        ("ru", "онегинская строфа", "Описывать: онегинская строфа"),
        ("zh", "因式分解法", "用因式分解法解方程"),
        ("th", "ความหนาแน่น", "คำนวณความหนาแน่นจากมวล"),
    ],
)
def test_an_objective_that_needs_a_later_concept_is_found(language: str, concept: str, objective: str) -> None:
    found = plans(language, {"learning_objectives": [objective]}, {"key_concepts": [concept]})
    assert found == [("concept_used_early", "lessons.1.learning_objectives.1")]


def test_a_description_that_names_a_later_concept_of_several_words_is_found() -> None:
    found = plans("en", {"description": "How a mole ratio is read."}, {"key_concepts": ["mole ratio"]})
    assert found == [("concept_used_early", "lessons.1")]


@pytest.mark.parametrize(
    ("first", "second", "topic"),
    [
        # An everyday word, and one that begins the objective.
        ({"learning_objectives": ["Write a list"]}, {"key_concepts": ["list"]}, "Python"),
        ({"learning_objectives": ["Sample the water of a pond"]}, {"key_concepts": ["sample"]}, "Ponds"),
        # Words that the course, or the lesson itself, is about.
        ({"learning_objectives": ["Draw a right triangle"]}, {"key_concepts": ["right triangle"]}, "Right triangles"),
        (
            {"title": "Revolutionary ideas", "learning_objectives": ["Date one revolution"]},
            {"key_concepts": ["revolution"]},
            "Europe",
        ),
        # A single word of a description, and words that don't stand together.
        ({"description": "Life before the revolution."}, {"key_concepts": ["revolution"]}, "France"),
        ({"description": "The law, and what supply is."}, {"key_concepts": ["law of supply"]}, "Markets"),
        # Another word that begins alike.
        ({"learning_objectives": ["Name five capitals of Europe"]}, {"key_concepts": ["capitalism"]}, "Europe"),
        # A later lesson may build on an earlier one.
        ({"key_concepts": ["mole ratio"]}, {"learning_objectives": ["Compare mole ratios"]}, "Chemistry"),
    ],
)
def test_words_of_a_later_lesson_that_may_be_meant_otherwise_are_none(
    first: dict[str, Any], second: dict[str, Any], topic: str
) -> None:
    assert plans("en", first, second, topic=topic) == []


@pytest.mark.parametrize(
    ("language", "first", "second", "found"),
    [
        ("en", "cell wall", "Cell walls", True),
        ("en", "mitosis", "*Mitosis*", True),
        ("de", "Bruchstrich", "die Bruchstriche", False),
        ("de", "Nenner", "nenner", True),
        ("ru", "строфа", "строфы", True),
        ("ja", "季語", "「季語」", True),
        ("en", "C", "C++", False),
        ("en", "World War I", "World War II", False),
        ("en", "capital", "capitalism", False),
        ("en", "magnet", "magnetic", False),
        ("ko", "인구밀도", "인구밀집", False),
        ("en", "cells", "cell", False),  # what the whole course is about
    ],
)
def test_a_concept_of_two_lessons_is_found_in_any_form(language: str, first: str, second: str, found: bool) -> None:
    expected = [("repeated_concept", "lessons.2.key_concepts")] if found else []
    assert plans(language, {"key_concepts": [first]}, {"key_concepts": [second]}) == expected


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
