"""The parts of a lesson agree: terms are used, the summary sums up, and what is referred to is there."""

from typing import Any

import pytest

from src.domain.lesson import KeyTerm
from src.domain.quality.consistency_gates import dangling_reference, summary_beyond, term_unused
from src.domain.quality.references import references
from tests.drafts import draft_of


def unused(term: str, language: str = "en", **told: Any) -> bool:
    return bool([*term_unused(draft_of(language, key_terms=(KeyTerm(term=term, definition="It is."),), **told))])


def beyond(summary: str, introduction: str, language: str = "en") -> list[str]:
    return [it.message for it in summary_beyond(draft_of(language, summary=summary, introduction=introduction))]


def dangling(text: str, language: str = "en", **plan: Any) -> list[str]:
    return [it.message for it in dangling_reference(draft_of(language, introduction=text, **plan))]


@pytest.mark.parametrize(
    ("term", "language", "introduction"),
    [
        ("osmosis", "en", "A plant drinks water."),
        ("Satz des Pythagoras", "de", "Ein Dreieck hat drei Seiten."),
        ("вакуоль", "ru", "Клетка хранит воду."),
        ("光合作用", "zh", "植物需要水和土壤。"),
        ("ปริมาตร", "th", "น้ำเดือดที่ร้อยองศา"),
    ],
)
def test_a_term_that_the_lesson_never_uses_is_found(term: str, language: str, introduction: str) -> None:
    assert unused(term, language, introduction=introduction)


@pytest.mark.parametrize(
    ("term", "language", "introduction"),
    [
        ("osmosis", "en", "By *osmosis*, a plant drinks water."),
        ("law of conservation of energy", "en", "Energy is conserved."),
        ("ion (plural: ions)", "en", "Two ions meet."),
        ("DNA", "en", "In each cell there is DNA."),
        ("deoxyribonucleic acid / DNA", "en", "In each cell there is DNA."),
        ("`printf`", "en", "Call `printf` to print."),
        ("Blattgrün", "de", "Die Blattgrünkörner fangen das Licht ein."),
        ("клетка", "ru", "Она состоит из клеток."),
        ("הלב", "he", "בלב יש ארבעה חדרים."),
        ("光合作用", "zh", "植物进行光合作用。"),
        ("iklim", "tr", "İklimi belirleyen etkenler çoktur."),
        ("+", "en", "Add them."),
    ],
)
def test_a_term_in_another_form_is_used(term: str, language: str, introduction: str) -> None:
    assert not unused(term, language, introduction=introduction)


@pytest.mark.parametrize(
    ("summary", "introduction"),
    [
        ("The Bastille fell in 1798.", "The Bastille fell in 1789."),
        ("A hand has 5000 kinds of them.", "A hand has many kinds of them."),
        ("It was seen by Hooke.", "It was seen by a man with a lens."),
        ("Η πόλη του Περικλή και η Σπάρτη.", "Η πόλη του Περικλή."),
    ],
)
def test_a_number_or_name_of_the_summary_alone_is_found(summary: str, introduction: str) -> None:
    assert beyond(summary, introduction, "el" if summary[0] == "Η" else "en")


@pytest.mark.parametrize(
    ("summary", "introduction"),
    [
        ("The Bastille fell in 1789.", "The Bastille fell on July 14, 1789."),
        ("It has some 1.5 million people.", "It has 1,500,000 people."),
        ("It is about 4.5 billion years old.", "It is 4.54 billion years old."),
        ("That is 25 % of it.", "That is 0.25 of it."),
        ("So 12 × 12 = 144.", "Multiply a number by itself."),
        ("With $x = 25$ it holds.", "Take any number."),
        ("So 10₂ is two.", "There are two digits."),
        ("It was seen by Hooke in 1665. [1]", "It was seen by a man with a lens."),
        ("It was the Genoese who came.", "They came from Genoa."),
        ("It has 3 parts.", "It has parts."),
    ],
)
def test_what_the_lesson_has_in_another_form_is_not_beyond_it(summary: str, introduction: str) -> None:
    assert beyond(summary, introduction) == []


def test_a_noun_of_german_is_no_name() -> None:
    assert beyond("Es ist ein Haus mit Garten.", "Es ist ein Gebäude.", "de") == []


MISSING = [
    ("en", "As we saw in Lesson 7, it is so."),
    ("en", "As we saw in lesson seven, it is so."),
    ("en", "See Figure 2."),
    ("en", "It is small (Fig. 3)."),
    ("en", "The diagram below shows it."),
    ("en", "See Table 2 for more."),
    ("en", "The table above shows it."),
    ("en", "It was discussed in Chapter 4."),
    ("en", "It is small (see Section 9)."),
    ("de", "Wie in Lektion 9 gezeigt."),
    ("de", "Siehe Abbildung 3."),
    ("fr", "Voir la figure 2."),
    ("es", "Lo vimos en la lección 8."),
    ("pt", "Veja a tabela 3."),
    ("it", "Lo mostra la figura 2."),
    ("nl", "Zie figuur 2."),
    ("tr", "Bunu Şekil 2 gösterir."),
    ("ru", "Мы видели это в уроке 7."),
    ("ru", "Мы видели это на 7-м уроке."),
    ("ru", "См. рис. 2."),
    ("el", "Το είδαμε στο μάθημα 9."),
    ("hy", "Սա տեսանք դաս 9-ում։"),
    ("ar", "انظر الشكل ٢."),
    ("he", "ראו איור 2."),
    ("hi", "चित्र २ देखिए।"),
    ("zh", "我们在第九课学过。"),
    ("zh", "见图2。"),
    ("ja", "これは図2に示した。"),
    ("ko", "그림 2를 보자."),
    ("th", "ดูรูปที่ 2 ประกอบ"),
    ("km", "សូមមើលរូបភាពទី 2 ។"),
    ("am", "ይህ በምስል 2 ይታያል።"),
]


@pytest.mark.parametrize(("language", "text"), MISSING)
def test_a_reference_to_what_is_not_there_is_found(language: str, text: str) -> None:
    assert dangling(text, language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "As we saw in Lesson 1, it is so."),
        ("en", "She took lesson 7 of his book, and her tenth lesson."),
        ("en", "Tie a figure 8 knot, or a figure eight."),
        ("en", "The figures above zero, and the picture above the door."),
        ("en", "He sat down at table 12, and learnt the table of 7."),
        ("en", "Section 5 of the Act, and Chapter 3 of the novel."),
        ("en", "The page says “see Figure 2”, and `Table 2` is code."),
        ("en", "Table 1 is here.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nThe table above shows it."),
        ("en", "Figure 1 is here.\n\n```\no--o\n```"),
        ("de", "An Tisch 7 sitzen drei Gäste."),
        ("fr", "La table de 7, et un tableau de Monet."),
        ("zh", "他代表3个国家，有地图3张。"),
        ("ja", "発表3回、地図2枚。"),
        ("ko", "목표 3개를 발표 2회로 말한다."),
        ("ar", "على شكل دائرة لها 4 أبواب."),
        ("xx", "Figure 2."),
    ],
)
def test_what_is_there_or_is_no_reference_is_left_alone(language: str, text: str) -> None:
    assert dangling(text, language) == []


def test_the_first_lesson_has_none_before_it_and_the_last_none_after_it() -> None:
    assert dangling("We saw it in the previous lesson.", lesson_number=1)
    assert not dangling("We saw it in the previous lesson.", lesson_number=2)
    assert dangling("You will see it in the next lesson.", lesson_number=4)
    assert not dangling("You will see it in the next lesson.", lesson_number=2)


def test_the_number_of_a_reference_is_read_in_any_digits() -> None:
    assert [(it.kind, it.number) for it in references("第十二课和图３。", "zh")] == [("lesson", 12), ("figure", 3)]
