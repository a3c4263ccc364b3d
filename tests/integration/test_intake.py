"""Requests become courses, once each."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from src.domain.errors import InternalError, InvalidRequest, RequestLocked
from src.domain.message import ReplyAddress, request_refused
from src.domain.request import RECOGNISED_WITHIN, CourseRequest, IdentifiedRequest
from src.domain.result import ErrorMessage
from src.services.database.connection import Database
from src.services.database.intake import Intake, Reception
from tests.peers import Peer, claim_messages
from tests.sql import Psql

USER = UUID("7b1f4c52-8d5b-4f0e-9a3f-2f2d1c0a9b11")


def request(message_id: str | None = None, **fields: Any) -> IdentifiedRequest:
    body = {"user_id": str(USER), "topic": "Cell Biology", "request_id": "r-1", **fields}
    return CourseRequest.parse(json.dumps(body).encode()).completed(message_id, None)


@pytest.fixture
def intake(database: Database) -> Intake:
    return Intake(database)


def accept(
    intake: Intake,
    wanted: IdentifiedRequest,
    *,
    body: bytes = b"{}",
    redelivered: bool = False,
    reply: ReplyAddress | None = None,
) -> Reception:
    return asyncio.run(intake.accept(wanted, body, redelivered=redelivered, reply=reply))[0]


def bodies(psql: Psql, destination: str = "status") -> list[dict[str, Any]]:
    found = psql.rows(
        "SELECT convert_from(body, 'UTF8') AS body FROM outbox"
        f" WHERE destination = '{destination}' AND published_at IS NULL ORDER BY id"
    )
    return [json.loads(row["body"]) for row in found]


def end(psql: Psql, status: str = "READY") -> None:
    """Brings the course to its end and publishes what is in the outbox."""
    if status == "READY":
        psql.run(
            "UPDATE generation_queue"
            " SET lease_id = gen_random_uuid(), lease_owner = gen_random_uuid(), leased_at = now()"
        )
        psql.run("UPDATE courses SET status = 'GENERATING', outline_json = '{\"lessons\": []}'")
    psql.run(f"UPDATE courses SET status = '{status}'")
    psql.run("UPDATE outbox SET published_at = now()")


class TestAccept:
    def test_the_course_is_queued_with_everything_that_was_asked(self, psql: Psql, intake: Intake) -> None:
        wanted = request(grade_level="Grade 5", num_lessons=2, source_filter="bio/", language="de", priority=7)
        assert accept(intake, wanted) is Reception.ACCEPTED
        course = psql.row("SELECT * FROM courses")
        assert course["id"] == str(wanted.course_id)
        assert course["user_id"] == str(USER)
        assert (course["status"], course["title"], course["topic"]) == ("QUEUED", "Cell Biology", "Cell Biology")
        assert (course["grade_level"], course["total_lessons"]) == ("Grade 5", 2)
        assert (course["source_filter"], course["language"], course["request_id"]) == ("bio/", "de", "r-1")
        assert course["request"]["num_lessons"] == 2
        assert psql.row("SELECT course_id, priority FROM generation_queue") == {
            "course_id": course["id"],
            "priority": 7,
        }
        assert bodies(psql) == []

    @pytest.mark.parametrize(
        "topic",
        ["'; DROP TABLE courses; --", "Robert'); DELETE FROM lessons;--", "%s %(x)s :name {}", '"\\"', "$$; SELECT 1"],
    )
    def test_sql_in_a_topic_is_stored_as_it_is(self, psql: Psql, intake: Intake, topic: str) -> None:
        accept(intake, request(topic=topic))
        assert psql.value("SELECT topic FROM courses") == topic
        psql.run("UPDATE courses SET status = 'FAILED'")
        psql.run("UPDATE courses SET status = 'QUEUED'")
        assert psql.value("SELECT count(*) FROM generation_queue") == 1


class TestRepeats:
    def test_while_the_course_is_open_nothing_more_happens(self, psql: Psql, intake: Intake) -> None:
        accept(intake, request())
        assert accept(intake, request(priority=9)) is Reception.STILL_OPEN
        assert psql.value("SELECT count(*) FROM courses") == 1
        assert psql.value("SELECT priority FROM generation_queue") == 4
        assert bodies(psql) == []

    @pytest.mark.parametrize("status", ["READY", "FAILED"])
    def test_after_its_end_the_stored_result_goes_out_again(self, psql: Psql, intake: Intake, status: str) -> None:
        accept(intake, request())
        end(psql, status)
        result = psql.row("SELECT message_id, body FROM outbox WHERE type <> 'course.processing'")
        assert accept(intake, request()) is Reception.RESULT_REPEATED
        assert psql.row("SELECT message_id, body FROM outbox WHERE published_at IS NULL") == result
        assert psql.value("SELECT status FROM courses") == status

    def test_a_result_that_is_still_owed_is_not_owed_twice(self, psql: Psql, intake: Intake) -> None:
        accept(intake, request())
        psql.run("UPDATE courses SET status = 'FAILED'")
        accept(intake, request())
        assert len(bodies(psql)) == 1

    def test_a_result_that_may_be_on_its_way_already_is_sent_once_more(
        self, psql: Psql, intake: Intake, peer: Callable[..., Peer]
    ) -> None:
        accept(intake, request())
        psql.run("UPDATE courses SET status = 'FAILED'")
        relay = peer().outbox
        (sent,) = claim_messages(relay)
        assert accept(intake, request()) is Reception.RESULT_REPEATED  # after it was sent, before it is marked
        asyncio.run(relay.published([sent.id]))
        (again,) = claim_messages(relay)
        assert (again.message_id, again.body) == (sent.message_id, sent.body)
        asyncio.run(relay.published([again.id]))
        assert claim_messages(relay) == []

    def test_an_import_without_a_stored_result_gets_one(self, psql: Psql, intake: Intake) -> None:
        wanted = request()
        psql.run(
            "INSERT INTO courses (id, user_id, title, topic, grade_level, status, request_id, request_hash) VALUES"
            f" ('{wanted.course_id}', '{USER}', 't', 't', 'g', 'READY', 'r-1', '{wanted.request_hash}')"
        )
        assert accept(intake, wanted) is Reception.RESULT_REPEATED
        (message,) = bodies(psql)
        assert (message["status"], message["course_id"]) == ("success", str(wanted.course_id))

    def test_the_same_id_for_something_else_is_a_conflict(self, psql: Psql, intake: Intake) -> None:
        accept(intake, request())
        before = psql.row("SELECT * FROM courses")
        assert accept(intake, request(topic="Other")) is Reception.CONFLICT
        (message,) = bodies(psql)
        error = ErrorMessage.model_validate(message)
        assert (error.error_code, error.request_id, error.course_id) == ("request_id_conflict", "r-1", None)
        assert bodies(psql, "dead") == []
        assert psql.row("SELECT * FROM courses") == before

    def test_another_user_may_use_the_same_id(self, psql: Psql, intake: Intake) -> None:
        accept(intake, request())
        assert accept(intake, request(user_id=str(uuid4()))) is Reception.ACCEPTED

    def test_fifty_at_once_make_one_course(self, psql: Psql, intake: Intake) -> None:
        found: list[Reception] = []

        def take_in() -> None:
            while True:
                # Who meets the one that isn't committed yet is set aside, and tried again.
                with contextlib.suppress(RequestLocked):
                    found.append(accept(intake, request()))
                    return

        threads = [threading.Thread(target=take_in) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(reception.name for reception in found) == ["ACCEPTED"] + ["STILL_OPEN"] * 49
        assert psql.value("SELECT count(*) FROM courses") == 1
        assert psql.value("SELECT count(*) FROM generation_queue") == 1


class TestWithoutAnyId:
    def test_a_redelivered_message_finds_its_course(self, psql: Psql, intake: Intake) -> None:
        assert accept(intake, request(request_id=None)) is Reception.ACCEPTED
        assert accept(intake, request(request_id=None), redelivered=True) is Reception.STILL_OPEN
        assert psql.value("SELECT count(*) FROM courses") == 1

    def test_a_message_that_is_not_redelivered_is_a_new_request(self, psql: Psql, intake: Intake) -> None:
        for _ in range(2):
            assert accept(intake, request(request_id=None)) is Reception.ACCEPTED

    def test_a_redelivered_message_that_was_not_accepted_yet_is(self, intake: Intake) -> None:
        assert accept(intake, request(request_id=None), redelivered=True) is Reception.ACCEPTED

    @pytest.mark.parametrize(("seconds", "ends_as"), [(-60, Reception.STILL_OPEN), (60, Reception.ACCEPTED)])
    def test_the_database_recognises_it_as_long_as_the_files_do(
        self, psql: Psql, intake: Intake, seconds: int, ends_as: Reception
    ) -> None:
        accept(intake, request(request_id=None))
        age = RECOGNISED_WITHIN.total_seconds() + seconds
        psql.run(f"UPDATE courses SET created_at = created_at - interval '{age} s'")
        assert accept(intake, request(request_id=None), redelivered=True) is ends_as

    def test_another_body_is_another_request(self, intake: Intake) -> None:
        accept(intake, request(request_id=None), body=b"1")
        assert accept(intake, request(request_id=None), body=b"2", redelivered=True) is Reception.ACCEPTED

    def test_the_message_id_is_the_id_where_there_is_one(self, psql: Psql, intake: Intake) -> None:
        accept(intake, request("m-1", request_id=None))
        assert accept(intake, request("m-1", request_id=None)) is Reception.STILL_OPEN
        assert psql.value("SELECT request_id FROM courses") == "m-1"


class TestReplies:
    HERE = ReplyAddress("reply.here", "c-1")
    THERE = ReplyAddress("reply.there", None)

    def test_everyone_who_asked_gets_the_final_result(self, psql: Psql, intake: Intake) -> None:
        accept(intake, request(), reply=self.HERE)
        accept(intake, request(), reply=self.THERE)
        accept(intake, request(), reply=self.HERE)
        psql.run("UPDATE courses SET status = 'FAILED'")
        replies = psql.rows(
            "SELECT routing_key, correlation_id, message_id FROM outbox WHERE destination = 'reply'"
            " ORDER BY routing_key"
        )
        assert [(row["routing_key"], row["correlation_id"]) for row in replies] == [
            ("reply.here", "c-1"),
            ("reply.there", None),
        ]
        status_id = psql.value("SELECT message_id FROM outbox WHERE destination = 'status'")
        assert {row["message_id"] for row in replies} == {status_id}
        assert bodies(psql, "reply") == bodies(psql) * 2

    def test_who_asks_after_the_end_is_answered_too(self, psql: Psql, intake: Intake) -> None:
        accept(intake, request())
        end(psql)
        accept(intake, request(), reply=self.HERE)
        assert bodies(psql, "reply") == bodies(psql)
        assert psql.value("SELECT count(*) FROM outbox WHERE destination = 'reply'") == 1

    def test_a_conflict_and_a_refusal_are_final_results_as_well(self, psql: Psql, intake: Intake) -> None:
        accept(intake, request())
        accept(intake, request(topic="Other"), reply=self.HERE)
        error = InvalidRequest(["topic: Field required"])
        asyncio.run(intake.refuse(request_refused(error, None, None, self.THERE, b"{}")))
        codes = [message["error_code"] for message in bodies(psql, "reply")]
        assert codes == ["request_id_conflict", "invalid_request"]


class TestRefuse:
    def test_status_and_dead_letter_are_one_transaction(self, psql: Psql, intake: Intake) -> None:
        error = InvalidRequest(["topic: Field required", "num_lessons: Input should be a valid integer"])
        body = b"\xff\x00 anything"
        asyncio.run(intake.refuse(request_refused(error, "r-1", USER, None, body)))
        status, dead = psql.rows("SELECT * FROM outbox ORDER BY id")
        assert status["correlation_id"] == dead["correlation_id"] == "r-1"
        message = ErrorMessage.model_validate(bodies(psql)[0])
        assert (message.error_code, message.retryable, message.user_id) == ("invalid_request", False, USER)
        assert message.message == "topic: Field required; num_lessons: Input should be a valid integer"
        assert dead["headers"] == {"x-error-code": "invalid_request", "x-error-reason": message.message}
        assert dead["body"] == "\\x" + body.hex()
        assert psql.value("SELECT count(*) FROM courses") == 0

    def test_a_fault_of_our_own_says_no_more_than_that(self, psql: Psql, intake: Intake) -> None:
        error = InternalError("the request met an unexpected error at intake")
        asyncio.run(intake.refuse(request_refused(error, None, None, None, b"{}")))
        assert bodies(psql)[0]["retryable"] is True
