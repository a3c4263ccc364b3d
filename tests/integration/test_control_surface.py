"""`courses.status` as a control surface, by plain SQL only."""

import itertools
import json
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from src.domain.errors import ErrorCode
from src.domain.result import ErrorMessage, ProcessingMessage, SuccessMessage
from src.domain.status import LEGAL_MOVES, CourseStatus
from tests.peers import Peer
from tests.sql import Psql, SQLError

MakePeer = Callable[..., Peer]

# A course in the queue is READY only with all lessons of its outline.
NO_LESSONS = '{"lessons": []}'
INSERT = "INSERT INTO courses (user_id, topic, title, grade_level, total_lessons) VALUES"


def insert(psql: Psql, user_id: object = None, status: str = "QUEUED", title: str = "Cells") -> str:
    user = user_id or uuid4()
    return psql.run(
        f"INSERT INTO courses (user_id, topic, title, grade_level, total_lessons, status)"
        f" VALUES ('{user}', 'Cells', '{title}', 'Grade 8', 2, '{status}') RETURNING id"
    ).strip()


def move(psql: Psql, course_id: str, status: str, **columns: str) -> None:
    more = "".join(f", {name} = '{value}'" for name, value in columns.items())
    psql.run(f"UPDATE courses SET status = '{status}'{more} WHERE id = '{course_id}'")


def queue(psql: Psql) -> list[str]:
    return [row["course_id"] for row in psql.rows("SELECT course_id FROM generation_queue ORDER BY fair_rank")]


def lease(psql: Psql, course_id: str, attempt: int = 1) -> UUID:
    """What a worker's claim does."""
    lease_id = uuid4()
    psql.run(
        f"WITH l AS (UPDATE generation_queue SET lease_id = '{lease_id}', lease_owner = gen_random_uuid(),"
        f" leased_at = now(), attempt = {attempt} WHERE course_id = '{course_id}')"
        f" UPDATE courses SET status = 'GENERATING', attempts = {attempt} WHERE id = '{course_id}'"
    )
    return lease_id


def messages(psql: Psql, course_id: str) -> list[dict[str, object]]:
    found = psql.rows(
        f"SELECT convert_from(body, 'UTF8') AS body FROM outbox WHERE course_id = '{course_id}' ORDER BY id"
    )
    return [json.loads(row["body"]) for row in found]


class TestMoves:
    @pytest.mark.parametrize(
        ("old", "new"), [pair for pair in itertools.product(CourseStatus, repeat=2) if pair[0] != pair[1]]
    )
    def test_exactly_the_legal_ones_are_let_through(self, psql: Psql, old: CourseStatus, new: CourseStatus) -> None:
        course_id = insert(psql, status=old)
        if (old, new) in LEGAL_MOVES:
            move(psql, course_id, new)
            assert psql.value(f"SELECT status FROM courses WHERE id = '{course_id}'") == new
        else:
            with pytest.raises(SQLError) as caught:
                move(psql, course_id, new)
            assert f"course {course_id} is {old} and can't become {new}" in str(caught.value)
            assert "HINT" in str(caught.value)
            assert psql.value(f"SELECT status FROM courses WHERE id = '{course_id}'") == old

    def test_saying_the_same_again_changes_nothing(self, psql: Psql) -> None:
        course_id = insert(psql)
        move(psql, course_id, "QUEUED")
        assert queue(psql) == [course_id]
        assert psql.value("SELECT count(*) FROM course_events") == 1


class TestPlainInsert:
    def test_it_is_queued_with_defaults(self, psql: Psql) -> None:
        psql.run(f"{INSERT} (gen_random_uuid(), 'Cells', 'Cells', 'Grade 8', 0)")
        course = psql.row("SELECT * FROM courses")
        assert (course["status"], course["total_lessons"], course["slug"]) == ("QUEUED", 4, "cells")
        assert (course["language"], course["request_id"]) == ("en", None)
        assert queue(psql) == [course["id"]]
        assert psql.row("SELECT priority, attempt FROM generation_queue") == {"priority": 4, "attempt": 0}

    @pytest.mark.parametrize("status", ["GENERATING", "READY", "FAILED"])
    def test_with_another_status_it_is_an_import_and_left_alone(self, psql: Psql, status: str) -> None:
        course_id = insert(psql, status=status)
        assert queue(psql) == []
        assert messages(psql, course_id) == []

    def test_a_role_that_may_touch_courses_only_can_queue_and_cancel(self, psql: Psql) -> None:
        psql.run(
            "DROP ROLE IF EXISTS frontend; CREATE ROLE frontend;"
            " GRANT SELECT, INSERT, UPDATE, DELETE ON courses TO frontend"
        )
        psql.run(f"SET ROLE frontend; {INSERT} (gen_random_uuid(), 'Cells', 'Cells', 'Grade 8', 1)")
        course_id = psql.value("SELECT id FROM courses")
        psql.run("SET ROLE frontend; UPDATE courses SET status = 'FAILED'")
        psql.run("SET ROLE frontend; UPDATE courses SET status = 'QUEUED'")
        assert queue(psql) == [course_id]
        psql.run("SET ROLE frontend; DELETE FROM courses")
        assert [message["status"] for message in messages(psql, course_id)] == ["error", "error"]
        with pytest.raises(SQLError, match="permission denied"):
            psql.run("SET ROLE frontend; SELECT * FROM outbox")


class TestCancel:
    def test_a_queued_course_fails_as_cancelled_and_its_result_is_sent(self, psql: Psql) -> None:
        course_id = insert(psql)
        move(psql, course_id, "FAILED")
        course = psql.row("SELECT status, error_code, error_message FROM courses")
        assert course == {"status": "FAILED", "error_code": "cancelled", "error_message": "Cancelled"}
        assert queue(psql) == []
        (message,) = messages(psql, course_id)
        assert (message["status"], message["error_code"], message["retryable"]) == ("error", "cancelled", False)

    def test_a_running_course_loses_its_lease(self, psql: Psql) -> None:
        course_id = insert(psql)
        lease_id = lease(psql, course_id)
        move(psql, course_id, "FAILED", error_message="Not wanted any more")
        assert psql.value(f"SELECT hold_lease('{course_id}', '{lease_id}')") is False
        assert messages(psql, course_id)[-1]["message"] == "Not wanted any more"

    def test_a_course_that_another_program_writes_is_that_programs_business(self, psql: Psql) -> None:
        course_id = insert(psql, status="GENERATING")
        move(psql, course_id, "FAILED", error_message="My own trouble")
        assert psql.row("SELECT error_code, error_message FROM courses") == {
            "error_code": None,
            "error_message": "My own trouble",
        }
        assert messages(psql, course_id) == []

    def test_deleting_an_open_course_tells_who_waits_for_it(self, psql: Psql) -> None:
        course_id = insert(psql)
        psql.run("DELETE FROM courses")
        (message,) = messages(psql, course_id)
        assert (message["error_code"], message["message"]) == ("cancelled", "The course was deleted")


class TestRetry:
    def test_a_failed_course_starts_afresh(self, psql: Psql) -> None:
        course_id = insert(psql)
        lease(psql, course_id, attempt=3)
        move(psql, course_id, "FAILED", error_code="internal", error_message="Oh no")
        move(psql, course_id, "QUEUED")
        course = psql.row("SELECT attempts, error_code, error_message FROM courses")
        assert course == {"attempts": 0, "error_code": None, "error_message": None}
        assert psql.row("SELECT attempt, lease_id FROM generation_queue") == {"attempt": 0, "lease_id": None}

    def test_a_running_course_is_taken_from_its_worker_and_starts_afresh(self, psql: Psql) -> None:
        course_id = insert(psql)
        lease_id = lease(psql, course_id, attempt=3)
        move(psql, course_id, "QUEUED")
        assert psql.row("SELECT attempt, lease_id FROM generation_queue") == {"attempt": 0, "lease_id": None}
        assert psql.value("SELECT attempts FROM courses") == 0
        assert psql.value(f"SELECT hold_lease('{course_id}', '{lease_id}')") is False

    def test_every_failure_sends_a_message_of_its_own(self, psql: Psql) -> None:
        course_id = insert(psql)
        for _ in range(2):
            move(psql, course_id, "FAILED")
            move(psql, course_id, "QUEUED")
        ids = psql.rows("SELECT message_id FROM outbox")
        assert len({row["message_id"] for row in ids}) == 2


def test_another_program_may_take_a_queued_course_over(psql: Psql) -> None:
    course_id = insert(psql)
    move(psql, course_id, "GENERATING")
    assert queue(psql) == []
    move(psql, course_id, "READY")
    assert messages(psql, course_id) == []


def test_every_change_is_in_the_history_with_who_and_why(psql: Psql) -> None:
    course_id = insert(psql)
    lease(psql, course_id)
    move(psql, course_id, "FAILED", error_message="Not wanted")
    events = psql.rows("SELECT * FROM course_events ORDER BY id")
    moves = [(event["from_status"], event["to_status"], event["attempt"]) for event in events]
    assert moves == [(None, "QUEUED", 0), ("QUEUED", "GENERATING", 1), ("GENERATING", "FAILED", 1)]
    assert [bool(event["worker"]) for event in events] == [False, True, True]
    assert {event["actor"] for event in events} == {"postgres"}
    assert events[-1]["reason"] == "Not wanted"


class TestMessages:
    """What the database writes is what the contract's models say, to the field."""

    def test_processing_and_success_are_what_the_contract_says(self, psql: Psql) -> None:
        course_id = insert(psql)
        lease(psql, course_id)
        move(psql, course_id, "READY", output_path="courses/x", outline_json=NO_LESSONS)
        processing, success = messages(psql, course_id)
        assert ProcessingMessage.model_validate(processing).message == "Generating course for 'Cells'"
        assert processing.keys() == ProcessingMessage.model_fields.keys()
        assert success.keys() == SuccessMessage.model_fields.keys()
        found = SuccessMessage.model_validate(success)
        assert (found.course_title, found.total_lessons, found.output_path) == ("Cells", 2, "courses/x")
        assert found.timestamp.utcoffset() is not None

    def test_a_code_that_consumers_do_not_know_is_refused(self, psql: Psql) -> None:
        course_id = insert(psql)
        with pytest.raises(SQLError, match="courses_error_code"):
            move(psql, course_id, "FAILED", error_code="canceled")

    @pytest.mark.parametrize("code", ErrorCode)
    def test_an_error_says_its_code_and_whether_a_retry_helps(self, psql: Psql, code: ErrorCode) -> None:
        course_id = insert(psql)
        move(psql, course_id, "FAILED", error_code=code, error_message="Why")
        (error,) = messages(psql, course_id)
        assert error.keys() == ErrorMessage.model_fields.keys()
        found = ErrorMessage.model_validate(error)
        assert (found.error_code, found.retryable, found.message) == (code, code.retryable, "Why")

    def test_processing_is_said_once_however_often_the_course_is_claimed(self, psql: Psql) -> None:
        course_id = insert(psql)
        for _ in range(2):
            lease(psql, course_id)
            psql.run("UPDATE generation_queue SET lease_id = NULL, lease_owner = NULL, leased_at = NULL")
            move(psql, course_id, "QUEUED")
        assert [message["status"] for message in messages(psql, course_id)] == ["processing"]

    def test_a_success_with_files_is_held_and_one_without_is_not(self, psql: Psql) -> None:
        for path in ("NULL", "'courses/x'"):
            course_id = insert(psql)
            lease(psql, course_id)
            psql.run(
                f"UPDATE courses SET status = 'READY', outline_json = '{NO_LESSONS}', output_path = {path}"
                f" WHERE id = '{course_id}'"
            )
        held = psql.rows("SELECT publish_after > now() AS held FROM outbox WHERE type = 'course.success' ORDER BY id")
        assert [row["held"] for row in held] == [False, True]


class TestFairness:
    def test_one_users_queue_does_not_keep_another_user_waiting(self, psql: Psql, peer: MakePeer) -> None:
        greedy, modest = uuid4(), uuid4()
        for number in range(20):
            insert(psql, greedy, title=f"G{number}")
        insert(psql, modest, title="M0")
        insert(psql, modest, title="M1")
        order = turns(psql, peer)
        assert order.index("M0") <= 2
        assert order.index("M1") <= 4
        assert [title for title in order if title[0] == "G"] == [f"G{number}" for number in range(20)]

    def test_a_thousand_courses_of_one_user_keep_another_user_waiting_for_a_few_claims(
        self, psql: Psql, peer: MakePeer
    ) -> None:
        """Fault 51."""
        psql.run(
            "INSERT INTO courses (user_id, topic, title, grade_level)"
            " SELECT '00000000-0000-4000-8000-00000000000a', 't', 'A', 'g' FROM generate_series(1, 1000)"
        )
        worker = peer()
        claims = [worker.claim_one()]
        modest = insert(psql, title="B")
        for _ in range(3):
            claims += worker.claim(limit=1, known=tuple(claim.lease_id for claim in claims))
        assert modest in [str(claim.course_id) for claim in claims]

    def test_who_was_served_long_is_not_put_behind_newcomers_for_ever(self, psql: Psql, peer: MakePeer) -> None:
        old, new = uuid4(), uuid4()
        worker, known = peer(), list[UUID]()
        for _ in range(5):
            insert(psql, old)
            known += [claim.lease_id for claim in worker.claim(limit=1, known=tuple(known))]
        for number in range(5):
            insert(psql, new, title=f"N{number}")
        insert(psql, old, title="O")
        assert turns(psql, peer).index("O") <= 2

    def test_a_higher_priority_goes_first(self, psql: Psql, peer: MakePeer) -> None:
        insert(psql, title="Normal")
        psql.run(
            "INSERT INTO courses (user_id, topic, title, grade_level, request)"
            " VALUES (gen_random_uuid(), 't', 'Urgent', 'g', '{\"priority\": 9}')"
        )
        assert turns(psql, peer) == ["Urgent", "Normal"]


def turns(psql: Psql, peer: MakePeer) -> list[str]:
    """The titles in the order in which a worker with one slot claims them."""
    worker, titles = peer(), list[str]()
    known: list[UUID] = []
    while claims := worker.claim(limit=1, known=tuple(known)):
        known.append(claims[0].lease_id)
        titles.append(psql.value(f"SELECT title FROM courses WHERE id = '{claims[0].course_id}'"))
    return titles


class TestSlug:
    @pytest.mark.parametrize(
        ("title", "slug"),
        [
            ("Cell Biology", "cell-biology"),
            ("  What's life?  ", "what-s-life"),
            ("Größen & Einheiten", "größen-einheiten"),
            ("प्रकाश संश्लेषण: क्या है?", "प्रकाश-संश्लेषण-क्या-है"),
            ("الخلية، وحدة الحياة؟", "الخلية-وحدة-الحياة"),
            ("می‌خواهم", "میخواهم"),
            ("细胞生物学。第一课", "细胞生物学-第一课"),
            ("Emoji 🎓 here", "emoji-here"),
            ("a/b\\c..d", "a-b-c-d"),
        ],
    )
    def test_it_is_made_from_the_title_in_any_script(self, psql: Psql, title: str, slug: str) -> None:
        insert(psql, title=title.replace("'", "''"))
        assert psql.value("SELECT slug FROM courses") == slug

    @pytest.mark.parametrize("title", ["", "!!!", "🎓🎓", "—"])
    def test_it_is_never_empty(self, psql: Psql, title: str) -> None:
        course_id = insert(psql, title=title)
        assert psql.value("SELECT slug FROM courses") == f"course-{course_id[:8]}"

        psql.run("UPDATE courses SET slug = ''")
        assert psql.value("SELECT slug FROM courses") == f"course-{course_id[:8]}"

    def test_it_does_not_end_in_a_hyphen_where_a_long_title_is_cut(self, psql: Psql) -> None:
        insert(psql, title="x" * 119 + " y")
        assert psql.value("SELECT slug FROM courses") == "x" * 119

    def test_it_follows_the_title_until_the_course_is_ready(self, psql: Psql) -> None:
        course_id = insert(psql, status="GENERATING")
        psql.run("UPDATE courses SET title = 'New title'")
        assert psql.value("SELECT slug FROM courses") == "new-title"
        move(psql, course_id, "READY")
        psql.run("UPDATE courses SET title = 'Newer title', slug = 'mine'")
        assert psql.value("SELECT slug FROM courses") == "new-title"
