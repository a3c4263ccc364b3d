"""What is stored: made of a lesson that was written, and read back from the JSON that it becomes."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.course_json import (
    content_json,
    course_json,
    course_of_json,
    course_of_row,
    lesson_of_row,
    lesson_record,
)
from src.domain.foreign_course import foreign_lesson
from src.domain.markdown import course_markdown, lesson_markdown
from src.domain.source import DOCUMENT_BYTES
from src.domain.stored_course import BESIDE_CONTENT, StoredCourse, StoredLesson
from tests.lessons import PLAN, course, stored
from tests.stored import ANY_JSON, courses, lessons

GOOD = {"number": 1, "document": "a.md", "section": "S", "start": 0, "end": 3, "quote": "abc", "score": 100}
BARE = {"lesson_number": 1, "title": "T", "description": None, "key_concepts": [], "learning_objectives": []}
"""What `content_json` has of a lesson with no more than a number and a title."""


def row_of(lesson: StoredLesson) -> dict[str, Any]:
    """What stored_lessons.sql gives when the lesson was saved, as far as JSON can tell."""
    record = json.loads(json.dumps(lesson_record(lesson, uuid4(), uuid4())))
    names = ("id", "course_id", "content_json", *StoredLesson.model_fields)
    return {name: record.get(name) for name in names if name not in ("sections", "key_terms", "checks", "citations")}


def of_file(info: dict[str, Any], content: Any, **beside: Any) -> StoredCourse:
    """The course of a `course.json` with one lesson, which another program wrote."""
    whole = course_json(course())
    return course_of_json({**whole, "lessons": [{"lesson_info": info, "content": content, **beside}]}, uuid4(), uuid4())


class TestWhatIsWritten:
    def test_sections_alone_hold_the_whole_lesson(self) -> None:
        assert [section.heading for section in stored().sections] == [
            "Introduction",
            "Cells",
            "Parts of a Cell",
            "Key Terms",
            "Real-World Applications",
            "Summary",
        ]

    def test_content_json_keeps_the_documented_keys(self) -> None:
        content = content_json(stored())
        assert content is not None and json.loads(json.dumps(content)) == content
        assert PLAN.items() <= content.items()
        assert all(section.keys() == {"kind", "heading", "content"} for section in content["sections"])
        assert (content["language"], content["direction"], content["grounded"]) == ("en", "ltr", True)
        assert [check["key"] for check in content["checks"]] == [2, None, 1]
        assert [check["citation"] for check in content["checks"]] == [1, 4, 2]
        assert content.keys() - PLAN.keys() == {
            "language", "direction", "grounded", "sections", "key_terms", "checks", "sources", "references",
            "written_by",
        }  # fmt: skip

    def test_without_passages_it_is_marked_as_ungrounded(self) -> None:
        assert stored(passages=[]).grounded is False

    @pytest.mark.parametrize("info", [BARE, {"lesson_number": 1, "title": "T"}])
    def test_what_another_program_left_empty_is_there_too(self, info: dict[str, Any]) -> None:
        (lesson,) = of_file(info, {"sections": [{"content": "C"}]}).lessons
        assert content_json(lesson) == {**BARE, "sections": [{"content": "C"}]}

    def test_an_empty_value_of_the_plan_hides_nothing_of_the_content(self) -> None:
        (lesson,) = of_file({**BARE, "own": None, "film": []}, {"description": "D", "own": 1}).lessons
        assert content_json(lesson) == {**BARE, "description": "D", "own": 1, "film": []}

    @pytest.mark.parametrize("own", ["x", {"score": 5}, "yesterday", 1, None])
    def test_names_of_what_stands_beside_the_content_are_free_in_another_programs_content(self, own: Any) -> None:
        content = {"sections": [{"content": "C"}], **dict.fromkeys((*BESIDE_CONTENT, "namesakes"), own)}
        whole = of_file(BARE, content, quality={"words": 1})
        (lesson,) = whole.lessons
        assert content_json(lesson) == {**BARE, **content}
        assert (lesson.content_md, lesson.quality, lesson.generated_at) == (None, {"words": 1}, None)
        assert "\nC\n" in lesson_markdown(lesson)
        row = lesson_record(lesson, uuid4(), uuid4())
        assert row.keys() & BESIDE_CONTENT == {"content_md", "quality"}
        again = lesson_of_row(row_of(lesson))
        assert (content_json(again), again.content_md, again.quality) == ({**BARE, **content}, None, {"words": 1})
        assert course_of_json(course_json(whole), whole.id, whole.user_id) == whole

    def test_such_a_name_that_can_not_be_stored_takes_no_other_with_it(self) -> None:
        (lesson,) = of_file(BARE, {"sections": [], "quality": "\0", "content_md": "x"}).lessons
        assert content_json(lesson) == {**BARE, "sections": [], "content_md": "x"}


class TestRoundTrip:
    @given(lessons())
    def test_a_lesson_comes_back_from_its_row_as_it_was(self, lesson: StoredLesson) -> None:
        again = lesson_of_row(row_of(lesson))
        assert again == lesson
        assert (content_json(again), lesson_markdown(again)) == (content_json(lesson), lesson_markdown(lesson))

    @given(courses())
    def test_a_course_comes_back_from_its_file_as_it_was(self, whole: StoredCourse) -> None:
        data = json.loads(json.dumps(course_json(whole)))
        again = course_of_json(data, whole.id, whole.user_id)
        assert again == whole.model_copy(update={"output_path": None})
        assert json.dumps(course_json(again)) == json.dumps(course_json(whole))

    def test_a_text_without_parts_comes_back_too(self) -> None:
        plain = StoredLesson(lesson_number=1, title="T", content_md="# My own", generated_at=datetime.now(UTC))
        assert lesson_of_row(row_of(plain)) == plain.model_copy(update={"sources": None})
        whole = course(plain)
        (again,) = course_of_json(course_json(whole), whole.id, whole.user_id).lessons
        assert again == plain


class TestOthers:
    @given(content=ANY_JSON, text=st.none() | st.just("# Text"), columns=st.lists(ANY_JSON, min_size=4, max_size=4))
    def test_whatever_others_stored_it_can_be_shown_and_stored_again(
        self, content: Any, text: str | None, columns: list[Any]
    ) -> None:
        quality, outline, findings, figures = columns
        row = {
            "lesson_number": 3,
            "title": "T",
            "sources": None,
            "generated_at": None,
            "quality": quality,
            "content_json": content,
            "content_md": text,
        }
        lesson = lesson_of_row(row)
        whole = course_of_row(
            {
                **course().model_dump(exclude={"lessons", "outline"}),
                "outline_json": outline,
                "outline_findings": findings,
                "quality": figures,
                "usage": None,
                "sources": None,
                "generated_at": None,
            },
            [lesson],
        )
        assert "## Lesson 3: T" in course_markdown(whole)
        data = json.loads(json.dumps(course_json(whole), allow_nan=False))
        (from_file,) = course_of_json(data, whole.id, whole.user_id).lessons
        for again in (lesson_of_row(row_of(lesson)), from_file, lesson_of_row(row_of(from_file))):
            assert lesson_markdown(again) == lesson_markdown(lesson)
            assert content_json(again) == content_json(lesson)

    @pytest.mark.parametrize(
        "content",
        [
            {"checks": [{"question": "Q?", "answer": "A"}]},
            {"sections": "none", "checks": [{"question": "Q?", "answer": "A"}], "film": 1},
        ],
    )
    def test_a_text_with_questions_is_shown_with_them(self, content: dict[str, Any]) -> None:
        row = {"lesson_number": 1, "title": "T", "content_md": "the whole text", "content_json": content}
        lesson = lesson_of_row(row)
        told = "the whole text\n\n## Check Your Understanding\n\n1. Q?\n"
        assert lesson_markdown(lesson) == told + "\n## Answer Key\n\n1. **A**\n"
        whole = course(lesson)
        assert f"## Lesson 1: T\n\n{told.replace('## C', '### C')}" in course_markdown(whole)
        (again,) = course_of_json(course_json(whole), whole.id, whole.user_id).lessons
        record = lesson_record(again, uuid4(), uuid4())
        assert record["content_md"] == "the whole text"
        assert (len(record["checks"]), record["content_json"].get("film")) == (1, content.get("film"))

    def test_a_text_that_was_rendered_from_the_questions_does_not_show_them_twice(self) -> None:
        lesson = foreign_lesson({"lesson_number": 1, "title": "T", "checks": [{"question": "Q?"}]})
        assert lesson_of_row(row_of(lesson)).content_md is None

    @given(st.fixed_dictionaries({}, optional=dict.fromkeys(StoredLesson.model_fields, ANY_JSON)))
    def test_no_field_of_another_type_costs_more_than_itself(self, odd: dict[str, Any]) -> None:
        odd["references"] = odd.pop("citations", None)
        lesson = foreign_lesson({**odd, "lesson_number": 1, "title": "T", "sections": [{"content": "Text."}]})
        assert "Text." in lesson_markdown(lesson) or isinstance(odd.get("content_md"), str)

    def test_without_a_title_it_is_said_what_is_missing(self) -> None:
        with pytest.raises(ValueError, match=r"^title: Field required$"):
            foreign_lesson({"lesson_number": 1, "sections": 5})

    def test_what_is_of_no_known_key_stays(self) -> None:
        content = {"video": "v.mp4", "sections": [{"heading": "H", "content": "C", "image": 1}], "n": {"a": None}}
        lesson = foreign_lesson({**content, "lesson_number": 1, "title": "T"})
        assert content_json(lesson) == {**content, **BARE}
        assert lesson_of_row(row_of(lesson)).model_extra == {"video": "v.mp4", "n": {"a": None}}

    def test_what_is_of_no_known_key_is_no_column(self) -> None:
        check = {"question": "Q?", "id": "q-1", "lesson_id": "x", "created_at": "today"}
        lesson = foreign_lesson({"lesson_number": 1, "title": "T", "updated_at": "today", "id": 7, "checks": [check]})
        record = lesson_record(lesson, uuid4(), uuid4())
        assert "updated_at" not in record and record["id"] != 7
        assert record["checks"][0].keys() & check.keys() == {"question"}

    @pytest.mark.parametrize("odd", ["\0", "\ud800"])
    def test_what_can_not_be_stored_is_left_out(self, odd: str) -> None:
        given = {"lesson_number": 1, "title": "T", "description": odd, "own": [odd], "key_concepts": ["a", odd]}
        lesson = foreign_lesson({**given, "references": [{**GOOD, "quote": odd}]})
        assert content_json(lesson) == {**BARE, "key_concepts": ["a"], "references": []}

    def test_a_document_with_a_long_name_is_cited_under_a_shorter_one(self) -> None:
        lesson = foreign_lesson({"lesson_number": 1, "title": "T", "references": [{**GOOD, "document": "ज" * 1000}]})
        (citation,) = lesson.citations
        assert citation.document.startswith("ज" * 600) and len(citation.document.encode()) <= DOCUMENT_BYTES

    def test_of_two_references_with_one_number_the_first_counts_and_no_answer_rests_on_one_that_is_not_there(
        self,
    ) -> None:
        given = {"references": [GOOD, {**GOOD, "quote": "again"}, {**GOOD, "number": 2, "end": 0}]}
        questions = [{"question": "Q", "citation": 1}, {"question": "R", "citation": 2}]
        lesson = foreign_lesson({**given, "lesson_number": 1, "title": "T", "checks": questions})
        assert [citation.quote for citation in lesson.citations] == ["abc"]
        assert [check.citation for check in lesson.checks] == [1, None]

    @pytest.mark.parametrize(
        ("given", "choices", "answer", "key"),
        [
            ({"choices": {"A": "one", "B": "two"}, "answer": "two"}, ("one", "two"), "two", 2),
            ({"choices": [1, 2.5], "answer": 2.5, "key": 9}, ("1", "2.5"), "2.5", 2),
            ({"choices": ["x", None], "answer": "y", "key": 1}, ("x",), "y", None),
            ({"choices": "A, B", "answer": {"is": "A"}}, None, None, None),
        ],
    )
    def test_choices_are_taken_as_texts_and_the_key_is_theirs(
        self, given: dict[str, Any], choices: object, answer: object, key: object
    ) -> None:
        lesson = foreign_lesson({"lesson_number": 1, "title": "T", "checks": [{"question": 1, **given}]})
        (check,) = lesson.checks
        assert (check.question, check.choices, check.answer, check.key) == ("1", choices, answer, key)

    def test_a_column_goes_before_what_the_content_says(self) -> None:
        content = {"title": "Old", "sources": ["a.md"], "description": "D", "sections": [{"content": "C"}]}
        row = {"lesson_number": 1, "title": "New", "sources": [], "description": None, "content_json": content}
        lesson = lesson_of_row({**row, "content_md": "rendered"})
        assert (lesson.title, lesson.sources, lesson.description) == ("New", ("a.md",), "D")
        assert lesson.content_md is None
