"""What both SQL and Python must know. Where neither is made from the other, they are compared.

Elsewhere: legal moves and error messages (test_control_surface), status messages (test_files_only_worker), figures of a
course (test_quality_on_record), the message_id of a success (test_files_import).
"""

import asyncio
import random
import re
from collections.abc import Callable
from typing import get_args, get_type_hints
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection

from src.domain.errors import ErrorCode
from src.domain.files_course import usage
from src.domain.lesson import CheckKind
from src.domain.message import Message
from src.domain.model_call import CallPurpose, ModelCall
from src.domain.request import DEFAULT_PRIORITY, HIGHEST_PRIORITY, CourseBrief
from src.domain.result import CourseQuality
from src.domain.status import CourseStatus
from src.operations.known_schema import ROOT
from src.operations.migrations import functions
from src.services.database.connection import Database
from src.services.database.course_store import put_call
from tests.sql import Psql


@pytest.mark.parametrize(
    ("constraint", "in_python"),
    [
        ("courses_error_code", set(ErrorCode)),
        ("lesson_checks_kind", set(get_args(CheckKind))),
        ("model_calls_purpose", set(get_args(CallPurpose))),
        ("outbox_destination", set(get_args(get_type_hints(Message)["destination"]))),
    ],
)
def test_a_list_that_the_database_checks_is_the_one_in_python(psql: Psql, constraint: str, in_python: set[str]) -> None:
    definition = psql.value(f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = '{constraint}'")
    assert set(re.findall(r"'(\w+)'::text", definition)) == in_python


def test_the_states_of_a_course_are_those_in_python(psql: Psql) -> None:
    assert psql.value("SELECT array_agg(s) FROM unnest(enum_range(NULL::course_status)) s") == list(CourseStatus)


def test_both_say_of_the_same_errors_that_a_retry_may_help(psql: Psql) -> None:
    codes = ", ".join(f"('{code}')" for code in ErrorCode)
    rows = psql.rows(f"SELECT code, error_is_retryable(code) AS retryable FROM (VALUES {codes}) AS v (code)")
    assert {row["code"]: row["retryable"] for row in rows} == {code: code.retryable for code in ErrorCode}


def queued(psql: Psql, request: str = "{}") -> dict[str, object]:
    """What a plain INSERT becomes that names nothing that has a default."""
    psql.run(
        "DELETE FROM courses; INSERT INTO courses (user_id, topic, title, grade_level, request)"
        f" VALUES (gen_random_uuid(), 'Cells', 'Cells', 'Grade 8', '{request}')"
    )
    return psql.row(
        "SELECT total_lessons, language, priority FROM courses JOIN generation_queue ON course_id = courses.id"
    )


def test_a_course_without_wishes_is_the_same_by_insert_and_by_message(psql: Psql) -> None:
    defaults = {name: field.default for name, field in CourseBrief.model_fields.items()}
    assert queued(psql) == {
        "total_lessons": defaults["num_lessons"],
        "language": defaults["language"],
        "priority": DEFAULT_PRIORITY,
    }


def test_every_priority_that_a_request_may_have_counts_and_no_other(psql: Psql) -> None:
    for priority in (0, HIGHEST_PRIORITY):
        assert queued(psql, f'{{"priority": {priority}}}')["priority"] == priority
    for priority in (-1, HIGHEST_PRIORITY + 1):
        assert queued(psql, f'{{"priority": {priority}}}')["priority"] == DEFAULT_PRIORITY


def random_call(dice: random.Random) -> ModelCall:
    return ModelCall(
        id=uuid4(),
        purpose="lesson",
        lesson_number=1,
        model="a model",
        input_tokens=dice.choice([0, 0, dice.randint(1, 10**6)]),
        cached_tokens=dice.randint(0, 100),
        output_tokens=dice.choice([0, 0, dice.randint(1, 10**6)]),
        cost=dice.choice([None, 0.0, dice.uniform(0, 0.01), dice.uniform(0, 2)]),
        seconds=1.0,
        outcome="ok",
    )


def test_the_database_counts_what_a_course_took_as_the_worker_does(
    database: Database, psql: Psql, queue_course: Callable[..., str]
) -> None:
    dice = random.Random(11)
    for _ in range(100):
        course = UUID(queue_course())
        calls = [random_call(dice) for _ in range(dice.randint(0, 4))]

        def work(connection: Connection, course: UUID = course, calls: list[ModelCall] = calls) -> None:
            for call in calls:
                put_call(connection, course, 1, call)

        asyncio.run(database.run(work))
        assert psql.value(f"SELECT course_usage('{course}')") == usage(calls)


def test_the_figures_of_a_course_are_those_of_the_contract(psql: Psql) -> None:
    named = set(CourseQuality.model_fields)
    assert set(psql.value("SELECT course_quality(gen_random_uuid())")) == named
    view = psql.value(
        "SELECT array_agg(column_name::text) FROM information_schema.columns WHERE table_name = 'v_course_quality'"
    )
    # A view of a revision up to 0010 can get no more columns: `schema.sql` makes it again on every run.
    later = {"tokens", "repair_tokens", "checked_by_rules", "not_checked"}
    assert set(view) - {"course_id", "slug", "title", "grade_level", "language", "generated_at"} == named - later


def test_whoever_writes_to_the_library_waits_for_one_lock() -> None:
    """The trigger's would come too late, and two importers could deadlock before it."""
    (lock,) = re.findall(r"pg_advisory_xact_lock\(.*?, 0\)\)", functions()["source_passages_count"])
    (statement,) = (ROOT / "src").rglob("lock_library.sql")
    assert lock in statement.read_text()
