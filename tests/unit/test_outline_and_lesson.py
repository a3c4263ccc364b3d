from typing import Any

import pytest
from pydantic import ValidationError

from src.domain.lesson import Check, with_keys_placed
from tests.lessons import CHECK, PARTS, PLAN, lesson, outline, text


class TestOutline:
    def test_a_good_one(self) -> None:
        assert len(outline(PLAN, {**PLAN, "lesson_number": 2, "title": "Parts"}).lessons) == 2

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
        assert [check.key for check in text().checks] == [1, None, 1]

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
            {"citations": None},
            {"checks": [CHECK, CHECK, {**CHECK, "kind": "riddle"}]},
            {"checks": [CHECK, CHECK, {**CHECK, "choices": None}]},
            {"checks": [CHECK, CHECK, {**CHECK, "kind": "short_answer"}]},
            {"checks": [CHECK, CHECK, {**CHECK, "kind": "true_false"}]},
            {"checks": [CHECK, CHECK, {**PARTS, "kind": "multiple_choice"}]},
            {"checks": [CHECK, CHECK, {**CHECK, "answer": "Something else"}]},
            {"checks": [CHECK, CHECK, {**CHECK, "choices": ["A unit of life"]}]},
            {"checks": [CHECK, CHECK, {**CHECK, "choices": ["A unit of life", "A rock", "A rock"]}]},
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

    def test_its_texts_can_be_taken_out_and_put_back(self) -> None:
        fields = text().fields()
        assert list(fields) == ["introduction", "sections.1", "sections.2", "key_terms.1", "applications", "summary"]
        assert text().with_fields(fields) == text()
        changed = text().with_fields({**fields, "sections.2": "Other."})
        assert changed.sections[1].content == "Other." and changed.sections[0] == text().sections[0]


class TestLesson:
    def test_its_sources_are_the_documents_that_it_cites_in_that_order(self) -> None:
        assert lesson().sources == ("b.md", "a.md")


class TestKeys:
    def place(self, number: int, seed: str = "s") -> list[Check]:
        questions = (Check.model_validate({**CHECK, "question": f"Question {index}?"}) for index in range(number))
        return list(with_keys_placed(tuple(questions), seed))

    def test_every_position_has_the_key_equally_often(self) -> None:
        keys = [check.key for check in self.place(30)]
        assert [keys.count(position) for position in (1, 2, 3)] == [10, 10, 10]

    def test_the_order_follows_from_the_seed_alone(self) -> None:
        assert self.place(9) == self.place(9)
        assert [check.key for check in self.place(9)] != [check.key for check in self.place(9, "another")]

    def test_nothing_but_the_order_changes(self) -> None:
        for check in self.place(5):
            assert sorted(check.choices or ()) == sorted(CHECK["choices"])
            assert check.answer == CHECK["answer"]

    def test_a_seed_may_hold_anything(self) -> None:
        assert self.place(2, "\ud800")
