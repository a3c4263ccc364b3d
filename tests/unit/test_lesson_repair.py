"""A repair asks for the parts at fault, and puts them into a lesson that is otherwise the same."""

import json
from typing import Any

import pytest

from src.domain.finding import Finding, soft
from src.domain.lesson import LessonText
from src.domain.quality.repair import LessonParts, parts_at_fault
from tests.lessons import CHECK, TEXT, reviewed, text

NOTHING: dict[str, Any] = {
    "introduction": None,
    "sections": [],
    "key_terms": [],
    "applications": None,
    "summary": None,
    "checks": [],
    "citations": [],
}


def put(wanted: list[str], **parts: Any) -> LessonText:
    return LessonParts.model_validate_json(json.dumps({**NOTHING, **parts})).put_into(text(), wanted)


def found(*places: str) -> list[Finding]:
    return [soft("cut_off", where, "it ends in mid-sentence") for where in places]


class TestPartsAtFault:
    @pytest.mark.parametrize(
        ("places", "parts"),
        [
            (["applications"], ["applications"]),
            (["checks.3"], ["checks.3"]),
            (["key_terms.1.term", "introduction"], ["introduction", "key_terms.1"]),
            (["sections.1.heading"], ["sections.1", "checks.1", "checks.3"]),
            (["sections.2", "sections.2"], ["sections.2", "checks.2"]),
        ],
    )
    def test_they_are_what_was_found_and_the_questions_that_rest_on_it(
        self, places: list[str], parts: list[str]
    ) -> None:
        assert parts_at_fault(text(), found(*places), "en") == parts

    @pytest.mark.parametrize("where", ["", "checks", "sections.9"])
    def test_what_is_wrong_with_the_whole_is_no_part_of_it(self, where: str) -> None:
        assert parts_at_fault(text(), found("summary", where), "en") == []


class TestPutInto:
    def test_nothing_changes_but_what_was_asked_for(self) -> None:
        changed = put(["summary"], summary="Cells are small.", introduction="Look!", checks=[{**CHECK, "number": 2}])
        assert changed == text(summary="Cells are small.")

    def test_parts_go_where_their_numbers_say(self) -> None:
        term = {"term": "cell", "definition": "A unit of life."}
        heading = {"heading": "All Cells", "content": TEXT["sections"][0]["content"].replace(" [1]", "")}
        changed = put(
            ["sections.1", "key_terms.1", "checks.2", "checks.7"],
            sections=[{**heading, "number": 1}],
            key_terms=[{**term, "number": 1}],
            checks=[{**CHECK, "number": 7}, {**CHECK, "question": "What are you made of?", "number": 2}],
        )
        first, _, third = TEXT["checks"]
        checks = [first, {**CHECK, "question": "What are you made of?"}, third]
        assert changed == text(sections=[heading, TEXT["sections"][1]], key_terms=[term], checks=checks)

    def test_their_citations_get_in_nobodys_way(self) -> None:
        """The same number means another passage in what is sent than in what stays."""
        content = "A thin membrane keeps its parts together. [1] `parts[1]` is code. It lets food in. [5]"
        changed = put(
            ["sections.2"],
            sections=[{"heading": "Parts", "content": content, "number": 2}],
            citations=[{"number": 1, "passage": 2, "quote": "a thin membrane keeps its parts together"}],
        )
        assert changed.sections[1].content == content.replace("together. [1]", "together. [6]")
        assert changed.sections[0] == text().sections[0]
        assert changed.citations[:5] == text().citations and changed.citations[5].number == 6

    def test_what_it_has_quoted_already_keeps_its_number(self) -> None:
        content = "A thin membrane keeps its parts together. [2]"
        changed = put(
            ["sections.2"],
            sections=[{"heading": "Parts", "content": content, "number": 2}],
            citations=[{**TEXT["citations"][2], "number": 2}],
        )
        assert changed.sections[1].content == content.replace("[2]", "[3]")
        assert changed.citations == text().citations

    @pytest.mark.parametrize("number", [6, 990])
    def test_a_number_that_stands_for_nothing_gets_nothing_to_stand_for(self, number: int) -> None:
        first, second = TEXT["sections"]
        loose = {**second, "content": second["content"] + " Rocks are alive too. [6] Or [7]."}
        new = {"number": number, "passage": 1, "quote": "others more than there are people"}
        parts = {**NOTHING, "summary": f"Some have many. [{number}] [8]", "citations": [new]}
        before = text(sections=[first, loose])
        changed = LessonParts.model_validate_json(json.dumps(parts)).put_into(before, ["summary", "sections.2"])
        assert changed.summary == "Some have many. [9] [8]"
        assert changed.citations[5].number == 9 and changed.sections == before.sections

    def test_of_two_with_one_number_the_first_counts(self) -> None:
        other = {"number": 1, "passage": 1, "quote": "Some have one cell alone"}
        before = text(citations=[*TEXT["citations"], other])
        parts = {**NOTHING, "summary": "Some are one cell. [4]", "citations": [{**other, "number": 4}]}
        changed = LessonParts.model_validate_json(json.dumps(parts)).put_into(before, ["summary"])
        assert changed.summary == "Some are one cell. [6]" and changed.citations[-1].number == 6

    @pytest.mark.parametrize("rest", [{}, {"introduction": "", "applications": None}])
    def test_what_was_not_asked_for_may_be_missing_or_empty(self, rest: dict[str, Any]) -> None:
        parts = LessonParts.model_validate_json(json.dumps({"summary": "Cells are small.", **rest}))
        assert parts.put_into(text(), ["summary"]) == text(summary="Cells are small.")

    def test_the_lesson_is_good_when_what_was_wrong_is_mended(self) -> None:
        good = TEXT["sections"][1]
        bad = reviewed(sections=[TEXT["sections"][0], {**good, "content": good["content"] + " <script>"}])
        wanted = parts_at_fault(bad.value.text, bad.findings, "en")
        assert wanted == ["sections.2", "checks.2"]
        changed = put(wanted, sections=[{**good, "number": 2}], citations=TEXT["citations"])
        again = reviewed(**json.loads(changed.model_dump_json()))
        assert again.findings == ()
        assert again.value.text.sections == reviewed().value.text.sections
