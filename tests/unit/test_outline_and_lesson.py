import json
from typing import Any

import pytest
from pydantic import ValidationError

from src.domain.lesson import Lesson, LessonText
from src.domain.outline import LessonPlan, Outline
from src.domain.source import Passage

PLAN: dict[str, Any] = {
    "lesson_number": 1,
    "title": "The Cell",
    "description": "What a cell is.",
    "key_concepts": ["cell"],
    "learning_objectives": ["Describe a cell", "Name its parts"],
}
CHECK: dict[str, Any] = {
    "question": "What is a cell?",
    "choices": ["A unit of life", "A rock", "A star"],
    "answer": "A unit of life",
    "explanation": "Cells are the units of life.",
    "objective": 1,
}
TEXT: dict[str, Any] = {
    "introduction": "Cells are everywhere.",
    "sections": [{"heading": "Cells", "content": "A cell is a unit of life."}],
    "key_terms": [{"term": "cell", "definition": "A unit of life."}],
    "applications": "Doctors look at cells.",
    "summary": "A cell is a unit of life.",
    "checks": [CHECK, {**CHECK, "choices": None}, {**CHECK, "objective": 2}],
    "passages": [2, 1],
}
PASSAGES = [Passage("a.md", "", "…", 1.0), Passage("b.md", "", "…", 1.0)]


def outline(*plans: dict[str, Any]) -> Outline:
    return Outline.model_validate_json(json.dumps({"title": "T", "description": "D", "lessons": plans}))


def text(**changes: Any) -> LessonText:
    return LessonText.model_validate_json(json.dumps({**TEXT, **changes}))


class TestOutline:
    def test_a_good_one(self) -> None:
        found = outline(PLAN, {**PLAN, "lesson_number": 2, "title": "Parts"})
        assert found.faults(2) == []

    def test_the_number_of_lessons_is_held_against_the_request(self) -> None:
        assert outline(PLAN).faults(4) == ["lessons: 1 were given; exactly 4 are needed"]

    @pytest.mark.parametrize("numbers", [(1, 1), (2, 1), (1, 3), (0, 1)])
    def test_lessons_are_numbered_in_order(self, numbers: tuple[int, int]) -> None:
        with pytest.raises(ValidationError):
            outline({**PLAN, "lesson_number": numbers[0]}, {**PLAN, "lesson_number": numbers[1], "title": "Parts"})

    def test_titles_differ(self) -> None:
        with pytest.raises(ValidationError, match="titles must differ"):
            outline(PLAN, {**PLAN, "lesson_number": 2, "title": "the cell"})

    @pytest.mark.parametrize(
        "change",
        [
            {"title": ""},
            {"title": "a\u0000b"},
            {"title": "x" * 501},
            {"key_concepts": []},
            {"learning_objectives": []},
            {"description": None},
        ],
    )
    def test_a_plan_that_lacks_something_is_refused(self, change: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            outline({**PLAN, **change})


class TestLessonText:
    def test_a_good_one(self) -> None:
        assert text().faults(LessonPlan.model_validate(PLAN), PASSAGES) == []

    @pytest.mark.parametrize(
        "change",
        [
            {"introduction": ""},
            {"summary": "a\u0000b"},
            {"summary": "x" * 20_001},
            {"sections": []},
            {"key_terms": []},
            {"checks": [CHECK, CHECK]},
            {"checks": [CHECK] * 6},
            {"passages": None},
            {"checks": [CHECK, CHECK, {**CHECK, "answer": "Something else"}]},
            {"checks": [CHECK, CHECK, {**CHECK, "choices": ["A unit of life"]}]},
            {"checks": [CHECK, CHECK, {**CHECK, "choices": ["A unit of life", "a rock", "A ROCK"]}]},
            {"checks": [CHECK, CHECK, {**CHECK, "objective": 0}]},
            {"checks": [CHECK, CHECK, {**CHECK, "answer": ""}]},
        ],
    )
    def test_one_that_lacks_something_is_refused(self, change: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            text(**change)

    def test_line_breaks_are_part_of_prose_but_not_of_a_title(self) -> None:
        assert text(summary="One.\n\nTwo.").summary == "One.\n\nTwo."
        with pytest.raises(ValidationError):
            text(sections=[{"heading": "a\nb", "content": "c"}])

    @pytest.mark.parametrize(
        ("change", "fault"),
        [
            ({"passages": [3]}, "no passage has the number 3"),
            ({"passages": [0, 1]}, "no passage has the number 0"),
            ({"passages": []}, "name at least one"),
            ({"checks": [CHECK, CHECK, {**CHECK, "objective": 3}]}, "checks.2.objective: 3"),
        ],
    )
    def test_what_does_not_fit_the_plan_or_the_passages_is_named(self, change: dict[str, Any], fault: str) -> None:
        (found,) = text(**change).faults(LessonPlan.model_validate(PLAN), PASSAGES)
        assert fault in found

    def test_without_passages_none_need_be_named(self) -> None:
        assert text(passages=[]).faults(LessonPlan.model_validate(PLAN), []) == []


class TestLesson:
    def test_its_sources_are_the_documents_of_the_passages_it_names(self) -> None:
        passages = [*PASSAGES, Passage("b.md", "Other section", "…", 1.0)]
        lesson = Lesson.assembled(LessonPlan.model_validate(PLAN), text(passages=[2, 3, 1]), passages, "m")
        assert lesson.sources == ("b.md", "a.md")

    def test_sections_alone_hold_the_whole_lesson(self) -> None:
        content = Lesson.assembled(LessonPlan.model_validate(PLAN), text(), PASSAGES, "m").content_json()
        assert [section["heading"] for section in content["sections"]] == [
            "Introduction",
            "Cells",
            "Key Terms",
            "Real-World Applications",
            "Summary",
        ]

    def test_content_json_keeps_the_documented_keys(self) -> None:
        content = Lesson.assembled(LessonPlan.model_validate(PLAN), text(), PASSAGES, "m").content_json()
        assert PLAN.items() <= content.items()
        assert all({"heading", "content"} <= section.keys() for section in content["sections"])
        json.dumps(content)
