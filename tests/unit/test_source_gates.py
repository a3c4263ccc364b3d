"""What a lesson owes to its sources is asked for where that is certain, and nowhere else."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from src.domain.finding import Severity
from src.domain.lesson import LessonText
from src.domain.outline import LessonPlan
from src.domain.quality.draft import Draft
from src.domain.quality.source_gates import copied, uncited, unknown_number
from src.domain.quality.verification import verified
from src.domain.source import Passage
from tests.lessons import BRIEF, CHECK, PARTS, PLAN, TEXT, TRUE, reviewed

RIVER = Passage(
    "a.md",
    "",
    "The Nile is 6,650 km long. Its discharge is 2,800 cubic meters per second. It was measured in 2009.",
    1.0,
)


def drafted(content: str, passages: Sequence[Passage] = (RIVER,), language: str = "en", **parts: Any) -> Draft:
    """A lesson of one section."""
    text = LessonText.model_validate_json(
        LessonText.model_validate(
            {**TEXT, "introduction": "A.", "applications": "B.", "summary": "C.", "key_terms": TEXT["key_terms"]}
            | {"sections": [{"heading": "Rivers", "content": content}], "citations": [], **parts},
            strict=False,
        ).model_dump_json()
    )
    found = verified(text.fields(), text.citations, passages, language)
    brief = BRIEF.model_copy(update={"language": language})
    return Draft(
        brief,
        LessonPlan.model_validate_json(json.dumps(PLAN)),
        text.with_fields(found.fields),
        passages,
        found.citations,
        found.removed,
        False,
        {},
    )


class TestUnknownNumber:
    @pytest.mark.parametrize(
        ("content", "language", "number"),
        [
            ("More than 83,412 people have studied this in the last few years.", "en", "83412"),
            ("Über 83412 Menschen haben sich damit in den letzten Jahren befasst.", "de", "83412"),
            ("За последние годы этот вопрос изучили более 83412 человек.", "ru", "83412"),
            ("最近几年有超过83412人详细研究过这个问题。", "zh", "83412"),
            ("Ναι· περισσότεροι από 83412 άνθρωποι μελέτησαν αυτό το θέμα.", "el", "83412"),
        ],
    )
    def test_one_from_nowhere_is_found(self, content: str, language: str, number: str) -> None:
        (finding,) = unknown_number(drafted(content, language=language))
        assert number in finding.message.replace(",", "")

    @pytest.mark.parametrize(
        "content",
        [
            "The river is 6650 km long, which is more than any other in Africa.",
            "The river is about 6,700 km long, which is more than any other.",
            "The river is 6,650,000 m long, which is more than any other has.",
            "Two such rivers in a row would be 13,300 km long from end to end.",
            "For example, a boat takes 480 hours from its source to the sea.",
            "If a boat makes 37 km a day, it is under way for half a year.",
            "A boat with 37 kilos needs this: 37 + 45 = 82, and so it will sink.",
            "A boat of 37 tons floats.\n\n$$F = 37 \\cdot 9.81$$",
            "| Boat | Load |\n|---|---|\n| small and wooden, made by hand | 37 tons of sand |",
            "```\nx = 4711\n```\n\nThat is what such a program looks like in the end.",
            "Do you know how long the 4711 rivers of this country are altogether?",
            "You have 206 bones in your body, and each of them is alive.",
        ],
    )
    def test_one_of_an_example_or_another_form_isnt(self, content: str) -> None:
        assert list(unknown_number(drafted(content))) == []


class TestUncited:
    FACT = "The river number {} of the country flows quietly into the sea. "

    def test_a_lesson_of_facts_without_citations_is_told(self) -> None:
        (finding,) = uncited(drafted(self.FACT.format("one")))
        assert finding.severity is Severity.SOFT

    def test_one_citation_in_six_facts_is_too_few(self) -> None:
        facts = "".join(self.FACT.format(count) for count in ("one", "two", "three", "four", "five", "six"))
        found = drafted(f"The Nile is 6,650 km long [1]. {facts}", citations=[CITED])
        (finding,) = uncited(found)
        assert "1 of 7 factual sentences" in finding.message

    @pytest.mark.parametrize(
        "beside",
        [
            "| River | Country | Length |\n|---|---|---|\n| Nile in the north of it | Egypt and Sudan | long |",
            "Suppose that a river flows from here to there. It has no name, and it flows all year long.",
            "Do you know where this river ends? And which of them is longer than the other one?",
            "So $F = ma$ holds for each drop of water that the river carries down to the sea.",
            "Here is a list of what your class has seen of the river on this day of the year:",
        ],
    )
    def test_what_states_no_fact_needs_none(self, beside: str) -> None:
        paragraphs = "\n\n".join([beside] * 8)
        assert list(uncited(drafted(f"The Nile is 6,650 km long [1].\n\n{paragraphs}", citations=[CITED]))) == []


CITED = {"number": 1, "passage": 1, "quote": "The Nile is 6,650 km long."}
ENGLISH = (
    "the river runs down from the hill to the old mill by the sea and then it turns to the east where it slowly grows"
    " into a lake with three small islands on which nobody has ever lived for long"
)
CHINESE = (
    "长江是亚洲最长的河流，发源于青藏高原，流经十一个省级行政区，最后在上海注入东海，全长约六千三百公里，"
    "流域面积约占全国陆地面积的五分之一，养育了全国三分之一以上的人口"
)
THAI = (
    "แม่น้ำเจ้าพระยาเป็นแม่น้ำสายสำคัญที่สุดของประเทศไทยเกิดจากการรวมตัวของแม่น้ำปิงวังยมและน่านที่จังหวัดนครสวรรค์แล้วไหลลงสู่อ่าวไทยที่จังหวัด"
    "สมุทรปราการผ่านกรุงเทพมหานครและเมืองใหญ่อีกหลายเมืองซึ่งเป็นศูนย์กลางของการค้าและการเกษตร"
)


class TestCopied:
    @pytest.mark.parametrize(("text", "language"), [(ENGLISH, "en"), (CHINESE, "zh"), (THAI, "th")])
    def test_a_long_stretch_is_found(self, text: str, language: str) -> None:
        source = [Passage("a.md", "", text, 1.0)]
        assert list(copied(drafted(text, source, language)))

    @pytest.mark.parametrize(("text", "language"), [(ENGLISH[:120], "en"), (CHINESE[:40], "zh"), (THAI[:100], "th")])
    def test_a_short_one_isnt(self, text: str, language: str) -> None:
        source = [Passage("a.md", "", ENGLISH + CHINESE + THAI, 1.0)]
        assert not list(copied(drafted(text, source, language)))

    @pytest.mark.parametrize(
        "quoted",
        [
            f"> {ENGLISH}\n> and so on",
            f"“{ENGLISH}”",
            f"«{ENGLISH}»",
            f"»{ENGLISH}«",
            f"„{ENGLISH}“",
            f"『{ENGLISH}』",
            f"‹{ENGLISH}›",
            "\n".join(ENGLISH[start : start + 40] for start in range(0, len(ENGLISH), 40)),
        ],
    )
    def test_a_quotation_or_verse_is_no_copy(self, quoted: str) -> None:
        assert not list(copied(drafted(quoted, [Passage("a.md", "", ENGLISH, 1.0)])))


@pytest.mark.parametrize(
    "said", ["A cell is 200 years old. [1]", "It is of 1900 or 15. [1]", "It has {big} parts [1]."]
)
def test_numbers_of_thousands_of_digits_raise_nothing(said: str) -> None:
    big = "7" * 5000
    passage = Passage("a.md", "", f"Know that a cell is a unit of life and has {big} parts. It is old.", 1.0)
    content = f"{said.format(big=big)} A cell is a unit of life."
    sections = [{"heading": "Cells", "content": content}, TEXT["sections"][1]]
    quote = "Know that a cell is a unit of life and has"
    citations = [{"number": 1, "passage": 1, "quote": quote}]
    checks = [CHECK, {**PARTS, "answer": f"It has {big}."}, TRUE]
    assert reviewed(passages=[passage], sections=sections, citations=citations, checks=checks).value.quality.checks == 3
