"""The Python API that code written for the original service imports."""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg2
import pytest

from src.config import DatabaseSettings
from src.domain.markdown import lesson_markdown
from src.services import DatabaseService
from tests.sql import Psql
from tests.unit.test_mirror import FOUND, stored_course, written

USER = "7b1f4c52-8d5b-4f0e-9a3f-2f2d1c0a9b11"


@pytest.fixture
def service(database_settings: DatabaseSettings) -> Iterator[DatabaseService]:
    opened = DatabaseService(config=database_settings)
    opened.connect()
    yield opened
    opened.disconnect()


def course(service: DatabaseService, **changes: Any) -> str:
    values: dict[str, Any] = {"user_id": USER, "title": "T", "topic": "t", "grade_level": "g", "total_lessons": 1}
    return service.create_course(**{**values, **changes})


def test_the_signatures_are_those_of_the_contract() -> None:
    expected = {
        "create_course": "user_id, title, topic, grade_level, total_lessons, source_filter=None, outline_json=None",
        "update_course_status": "course_id, status, error_message=None",
        "create_lesson": "course_id, lesson_number, title, description=None, key_concepts=None,"
        " learning_objectives=None, sources=None",
        "save_lesson_body": "lesson_id, content_md, content_json=None",
        "save_complete_course": "user_id, course_data",
        "get_course": "course_id",
        "get_course_lessons": "course_id",
    }
    for name, parameters in expected.items():
        found = list(inspect.signature(getattr(DatabaseService, name)).parameters.values())[1:]
        assert ", ".join(str(item.replace(annotation=inspect.Parameter.empty)) for item in found) == parameters


def test_the_way_of_the_original_service(service: DatabaseService, psql: Psql) -> None:
    course_id = course(service, title="Cell Biology", total_lessons=2, source_filter="bio/", outline_json={"a": 1})
    for number in (2, 1):
        lesson_id = service.create_lesson(course_id, number, f"Lesson {number}", "D", ["k"], ["o"], ["s.md"])
        service.save_lesson_body(lesson_id, "first", {"n": 0})
        service.save_lesson_body(lesson_id, f"# Lesson {number}", {"n": number})
    service.update_course_status(course_id, "READY")

    found = service.get_course(course_id)
    assert found is not None
    assert (found["id"], found["status"], found["slug"]) == (course_id, "READY", "cell-biology")
    assert (found["outline_json"], found["source_filter"]) == ({"a": 1}, "bio/")
    assert found["generated_at"] is not None
    lessons = service.get_course_lessons(course_id)
    assert [lesson["lesson_number"] for lesson in lessons] == [1, 2]
    assert (lessons[0]["content_md"], lessons[0]["content_json"]) == ("# Lesson 1", {"n": 1})
    assert (lessons[0]["key_concepts"], lessons[0]["sources"]) == (["k"], ["s.md"])
    assert psql.value("SELECT count(*) FROM generation_queue") == 0
    assert psql.value("SELECT count(*) FROM outbox") == 0


def test_ids_go_in_and_out_as_strings_and_uuids_are_taken_too(service: DatabaseService) -> None:
    course_id = course(service, user_id=UUID(USER))
    assert isinstance(course_id, str)
    found = service.get_course(UUID(course_id))
    assert found is not None and found["user_id"] == USER
    assert isinstance(service.create_lesson(UUID(course_id), 1, "L"), str)


def test_what_is_not_there_is_none_or_empty(service: DatabaseService) -> None:
    assert service.get_course(str(uuid4())) is None
    assert service.get_course_lessons(str(uuid4())) == []


def test_a_failure_keeps_its_message(service: DatabaseService) -> None:
    course_id = course(service)
    service.update_course_status(course_id, "FAILED", "It went wrong")
    found = service.get_course(course_id)
    assert found is not None
    assert (found["status"], found["error_message"], found["error_code"]) == ("FAILED", "It went wrong", None)


def test_an_illegal_move_raises(service: DatabaseService) -> None:
    course_id = course(service)
    service.update_course_status(course_id, "READY")
    with pytest.raises(psycopg2.errors.CheckViolation, match="READY and can't become FAILED"):
        service.update_course_status(course_id, "FAILED")


class TestCursor:
    def test_rows_are_dicts_and_the_block_commits(self, service: DatabaseService, psql: Psql) -> None:
        course_id = course(service)
        with service.get_cursor() as cursor:
            cursor.execute("UPDATE courses SET title = %s WHERE id = %s RETURNING title", ("New", course_id))
            assert cursor.fetchone() == {"title": "New"}
        assert psql.value("SELECT title FROM courses") == "New"

    def test_an_error_rolls_back_and_comes_out(self, service: DatabaseService, psql: Psql) -> None:
        course_id = course(service)
        with pytest.raises(ZeroDivisionError), service.get_cursor() as cursor:
            cursor.execute("UPDATE courses SET title = 'New' WHERE id = %s", (course_id,))
            raise ZeroDivisionError
        assert psql.value("SELECT title FROM courses") == "T"
        with pytest.raises(psycopg2.errors.UndefinedTable), service.get_cursor() as cursor:
            cursor.execute("SELECT * FROM nothing")
        assert service.get_course(course_id) is not None

    def test_connect_is_not_needed_and_disconnect_may_come_twice(self, database_settings: DatabaseSettings) -> None:
        service = DatabaseService(config=database_settings)
        with service.get_cursor() as cursor:
            cursor.execute("SELECT 1 AS one")
            assert cursor.fetchone() == {"one": 1}
        service.disconnect()
        service.disconnect()

    def test_a_connection_that_breaks_tells_its_own_error_and_the_next_block_has_another(
        self, service: DatabaseService
    ) -> None:
        with pytest.raises(psycopg2.OperationalError, match="terminat"), service.get_cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        with service.get_cursor() as cursor:
            cursor.execute("SELECT 1 AS one")
            assert cursor.fetchone() == {"one": 1}

    def test_no_server_is_an_error_of_psycopg2(self, database_settings: DatabaseSettings) -> None:
        service = DatabaseService(database_settings.model_copy(update={"port": 1}))
        with pytest.raises(psycopg2.OperationalError, match="Connection refused"):
            service.connect()
        with pytest.raises(psycopg2.OperationalError), service.get_cursor():
            pass

    def test_the_time_limits_of_the_worker_are_not_those_of_other_programs(self, service: DatabaseService) -> None:
        with service.get_cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == {"statement_timeout": "0"}

    def test_its_own_statements_find_the_tables_whatever_the_program_looks_up_first(
        self, service: DatabaseService
    ) -> None:
        with service.get_cursor() as cursor:
            cursor.execute("CREATE SCHEMA mine; CREATE TABLE mine.courses (id INT); SET search_path TO mine")
        course_id = service.save_complete_course(USER, TestCompleteCourse().data())
        found = service.get_course(course_id)
        assert found is not None and found["status"] == "READY"
        assert len(service.get_course_lessons(course_id)) == 1
        with service.get_cursor() as cursor:  # and the program's own look-up is left as it was
            cursor.execute("SELECT count(*) AS number FROM courses")
            assert cursor.fetchone() == {"number": 0}


class TestCompleteCourse:
    def data(self) -> dict[str, Any]:
        lesson = {
            "lesson_info": {"lesson_number": 1, "title": "Cells", "description": "D", "key_concepts": ["cell"],
                            "learning_objectives": ["Describe a cell"]},
            "content": {"sections": [{"heading": "H", "content": "C"}],
                        "checks": [{"question": "Q?", "choices": None, "answer": "A", "explanation": "E"}]},
            "sources": ["a.md"],
            "generated_at": "2026-01-01T00:00:00+00:00",
        }  # fmt: skip
        metadata = {"title": "Cell Biology", "topic": "Cells", "grade_level": "Grade 8", "source_filter": None,
                    "total_lessons": 1, "generated_at": "2026-01-01T00:00:00+00:00"}  # fmt: skip
        return {"metadata": metadata, "outline": {"title": "x"}, "lessons": [lesson], "all_sources": ["a.md"]}

    def test_it_is_ready_at_the_end(self, service: DatabaseService, psql: Psql) -> None:
        course_id = service.save_complete_course(USER, self.data())
        found = service.get_course(course_id)
        assert found is not None
        assert (found["status"], found["title"], found["sources"]) == ("READY", "Cell Biology", ["a.md"])
        assert found["generated_at"].isoformat().startswith("2026-01-01")
        (lesson,) = service.get_course_lessons(course_id)
        assert lesson["content_md"].startswith("# Lesson 1: Cells\n")
        assert lesson["content_json"]["sections"] == [{"heading": "H", "content": "C"}]
        assert psql.row("SELECT question, answer FROM lesson_checks") == {"question": "Q?", "answer": "A"}

    def test_a_check_needs_no_more_than_a_question(self, service: DatabaseService, psql: Psql) -> None:
        data = self.data()
        data["lessons"][0]["content"]["checks"] = [
            {"question": "Why?"},
            {"question": "What?", "answer": "That", "choices": ["This", "Other"]},
        ]
        (lesson,) = service.get_course_lessons(service.save_complete_course(USER, data))
        assert "1. *No answer is on record.*\n2. **That**" in lesson["content_md"]
        assert psql.rows("SELECT answer FROM lesson_checks ORDER BY q_order") == [{"answer": None}, {"answer": "That"}]

    def test_optional_fields_of_another_type_keep_no_course_from_being_saved(
        self, service: DatabaseService, psql: Psql
    ) -> None:
        data = self.data()
        data["metadata"] |= {"language": ["en"], "quality": {"citation_precision": "high"}}
        lesson, good = data["lessons"][0], {"document": "a.md", "section": "", "start": 0, "end": 3, "quote": "abc"}
        lesson["quality"] = {"words": float("nan")}
        lesson["content"] |= {
            "language": None,
            "written_by": {"name": "x"},
            "checks": [
                {"question": "Q?", "answer": "A", "kind": "mcq", "objective": "Describe a cell", "citation": "[1]",
                 "choices": {"A": "one", "B": "two"}, "explanation": ["E"], "evidence": 1},
                {"question": "R?", "answer": "x", "kind": "multiple_choice", "objective": 2**40, "citation": True,
                 "choices": ["x", None]},
                {"question": "S?", "answer": "x", "kind": "multiple_choice", "objective": 1, "choices": ["y", "x"]},
            ],
            "references": [
                {"title": "A book"}, "b.md", {**good, "number": 1, "score": "high"}, {**good, "number": 0, "score": 1},
                {**good, "number": 2, "score": 99, "end": 0}, {**good, "number": 3, "score": 99.5, "note": 1},
                {**good, "number": 3, "score": 100, "quote": "again"},
                {**good, "number": 4, "score": 1e-60},
            ],
        }  # fmt: skip
        course_id = service.save_complete_course(USER, data)
        assert psql.row("SELECT status, language, quality FROM courses") == {
            "status": "READY", "language": "en", "quality": None
        }  # fmt: skip
        assert psql.row("SELECT quality, written_by FROM lessons") == {"quality": None, "written_by": None}
        names = ("question", "answer", "kind", "choices", "key", "objective", "citation", "explanation", "evidence")
        assert psql.rows(f"SELECT {', '.join(names)} FROM lesson_checks ORDER BY q_order") == [
            dict.fromkeys(names) | {"question": "Q?", "answer": "A", "choices": ["one", "two"]},
            dict.fromkeys(names) | {"question": "R?", "answer": "x", "kind": "multiple_choice", "choices": ["x"],
                                    "key": 1},
            dict.fromkeys(names) | {"question": "S?", "answer": "x", "kind": "multiple_choice", "choices": ["y", "x"],
                                    "key": 2, "objective": 1},
        ]  # fmt: skip
        assert psql.rows("SELECT number, quote, score FROM lesson_citations") == [
            {"number": 3, "quote": "abc", "score": 99.5},
            {"number": 4, "quote": "abc", "score": 0},
        ]
        (saved,) = service.get_course_lessons(course_id)
        # What is left out is left out everywhere: a reference is in the table, the JSON and the Markdown, or nowhere.
        references = saved["content_json"]["references"]
        assert [(reference["number"], reference["quote"]) for reference in references] == [(3, "abc"), (4, "abc")]
        assert re.findall(r"^\[(\d)\]", saved["content_md"], re.MULTILINE) == ["3", "4"]
        assert "   - A. one\n   - B. two" in saved["content_md"]

    @pytest.mark.parametrize(
        ("origin", "kept"),
        [
            ({"model": "m", "prompt_version": 3, "prompt_digest": "0" * 64}, ("m", 3, "0" * 64)),
            ({"model": "m\0", "prompt_version": "3", "prompt_digest": "none"}, ("in the text", None, None)),
            ({"model": ["m"], "prompt_version": 2**31, "prompt_digest": 5}, ("in the text", None, None)),
            ("m", ("in the text", None, None)),
            (None, ("in the text", None, None)),
        ],
    )
    def test_what_wrote_a_lesson_is_taken_as_far_as_it_fits(
        self, service: DatabaseService, psql: Psql, origin: object, kept: tuple[Any, ...]
    ) -> None:
        data = self.data()
        data["lessons"][0]["origin"] = origin
        data["lessons"][0]["content"]["written_by"] = "in the text"
        data["outline_findings"] = [origin, FOUND, {**FOUND, "severity": "bad"}, {**FOUND, "message": "\0"}]
        service.save_complete_course(USER, data)
        assert tuple(psql.row("SELECT written_by, prompt_version, prompt_digest FROM lessons").values()) == kept
        assert psql.value("SELECT outline_findings FROM courses") == [FOUND]

    @pytest.mark.parametrize("given", [None, "references", {"1": "a.md"}, 5])
    def test_references_may_be_anything(self, service: DatabaseService, psql: Psql, given: object) -> None:
        data = self.data()
        data["lessons"][0]["content"]["references"] = given
        data["lessons"][0]["content"]["sources"] = ["a.md"]
        data["metadata"]["quality"] = data["lessons"][0]["quality"] = data["outline_findings"] = given
        (lesson,) = service.get_course_lessons(service.save_complete_course(USER, data))
        assert "## Sources\n\n- a.md" in lesson["content_md"]
        assert psql.value("SELECT count(*) FROM lesson_citations") == 0
        assert psql.value("SELECT quality FROM courses") is None

    def test_content_may_be_plain_markdown(self, service: DatabaseService) -> None:
        data = self.data()
        data["lessons"][0]["content"] = "# My own"
        (lesson,) = service.get_course_lessons(service.save_complete_course(USER, data))
        assert (lesson["content_md"], lesson["content_json"]) == ("# My own", None)

    def test_a_course_without_lessons_is_ready(self, service: DatabaseService) -> None:
        course_id = service.save_complete_course(USER, {**self.data(), "lessons": []})
        found = service.get_course(course_id)
        assert found is not None and found["status"] == "READY"
        assert service.get_course_lessons(course_id) == []

    def test_if_saving_fails_the_course_is_failed_with_the_error(self, service: DatabaseService, psql: Psql) -> None:
        data = self.data()
        data["lessons"] *= 2
        with pytest.raises(psycopg2.errors.UniqueViolation):
            service.save_complete_course(USER, data)
        row = psql.row("SELECT status, error_message FROM courses")
        assert row["status"] == "FAILED"
        assert row["error_message"].startswith("UniqueViolation: duplicate key")
        assert psql.value("SELECT count(*) FROM lessons") == 0

    def test_a_text_that_no_row_can_hold_is_refused_by_the_database(self, service: DatabaseService, psql: Psql) -> None:
        data = self.data()
        data["lessons"][0]["content"]["sections"][0]["content"] = "a\0b"
        with pytest.raises(psycopg2.DataError):
            service.save_complete_course(USER, data)
        assert psql.value("SELECT status FROM courses") == "FAILED"

    def test_a_lesson_that_lacks_its_title_is_said_to(self, service: DatabaseService, psql: Psql) -> None:
        data = self.data()
        del data["lessons"][0]["lesson_info"]["title"]
        with pytest.raises(ValueError, match=r"^lessons\.1: title: Field required$"):
            service.save_complete_course(USER, data)
        assert psql.value("SELECT error_message FROM courses") == "ValueError: lessons.1: title: Field required"

    def test_what_the_mirror_wrote_can_be_saved(self, service: DatabaseService, psql: Psql, tmp_path: Path) -> None:
        data = json.loads((written(tmp_path) / "course.json").read_text())
        (lesson,) = service.get_course_lessons(service.save_complete_course(USER, data))
        content = data["lessons"][0]["content"]
        assert lesson["content_json"]["checks"] == content["checks"]
        stored = psql.rows(
            "SELECT kind, choices, key, evidence, objective, citation FROM lesson_checks ORDER BY q_order"
        )
        assert stored == [{name: check[name] for name in stored[0]} for check in content["checks"]]
        assert psql.value("SELECT array_agg(quote ORDER BY number) FROM lesson_citations") == [
            reference["quote"] for reference in content["references"]
        ]
        assert psql.row("SELECT quality, written_by, prompt_version, prompt_digest FROM lessons") == {
            "quality": {"words": 190},
            "written_by": "a-model",
            "prompt_version": 7,
            "prompt_digest": "f" * 64,
        }
        assert psql.row("SELECT quality, outline_findings FROM courses") == {
            "quality": {"checks": 3},
            "outline_findings": [FOUND],
        }
        assert lesson["content_md"] == lesson_markdown(stored_course().lessons[0])
