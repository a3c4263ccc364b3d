"""Every row of the request table, valid and invalid, with psql and a bare AMQP client only.

One worker serves them all, and then another one that reaches its database through PgBouncer. Covers fault 33 and the
contract's sections 2 and 3.
"""

import base64
import calendar
import gzip
import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest

from src.devtools.local_postgres import LocalPostgres
from src.devtools.local_rabbitmq import LocalRabbitMQ
from src.operations.known_schema import ROOT
from tests.conftest import Workers, new_database, new_vhost, worker_environment
from tests.pgbouncer import pooled
from tests.sources import add_sources
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import DEAD, REQUESTS, STATUS, Received, Upstream
from tests.worker_process import WorkerProcess

USER = "7b1f4c52-8d5b-4f0e-9a3f-2f2d1c0a9b11"


class Served:
    """A running worker, seen from outside."""

    def __init__(self, upstream: Upstream, psql: Psql, worker: WorkerProcess) -> None:
        self.upstream, self.psql, self.worker = upstream, psql, worker

    def status(self) -> Received:
        return self.upstream.next(STATUS)

    def course(self, course_id: object) -> dict[str, Any]:
        return self.psql.row(f"SELECT * FROM courses WHERE id = '{course_id}'")

    def courses(self) -> int:
        return int(self.psql.value("SELECT count(*) FROM courses"))


@pytest.fixture(scope="module", params=["direct", pytest.param("pooled", marks=pytest.mark.long)])
def running(
    request: pytest.FixtureRequest,
    postgres: LocalPostgres,
    rabbitmq: LocalRabbitMQ,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    database, vhost = new_database(postgres), new_vhost(rabbitmq)
    with ExitStack() as stack, StandIn() as stand_in, Upstream(rabbitmq, vhost) as upstream:
        reached = database if request.param == "direct" else stack.enter_context(pooled(database, folder / "pgbouncer"))
        workers = Workers(worker_environment(postgres, database, rabbitmq, vhost, stand_in, folder), folder)
        add_sources(reached, ROOT / "samples")
        worker = workers.start(FILES="off", DB_PORT=str(reached.port))
        worker.wait_for("broker_connected", connection="publisher")
        yield Served(upstream, Psql(postgres, database), worker)
        assert worker.stop() == 0
        assert upstream.depth(REQUESTS) == 0  # what was not acknowledged would be back by now


@pytest.fixture
def served(running: Served) -> Iterator[Served]:
    yield running
    # Nothing may be left over: no message more than was told, no request that comes again and again.
    running.upstream.eventually_empty(REQUESTS)
    assert running.upstream.waiting(STATUS) == []
    assert running.upstream.waiting(DEAD) == []
    assert not running.worker.lines("intake_failed")


def request(**fields: Any) -> dict[str, Any]:
    return {"request_id": str(uuid4()), "user_id": USER, "topic": "Cell Biology", "num_lessons": 1, **fields}


VALID: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("only what is required", {"num_lessons": None}, {"total_lessons": 4, "grade_level": "Grade 8", "language": "en"}),
    (
        "nulls",
        {"grade_level": None, "source_filter": None, "language": None, "priority": None},
        {"grade_level": "Grade 8", "language": "en", "source_filter": None},
    ),
    ("the longest request_id", {"request_id": "é" * 100}, {"request_id": "é" * 100}),
    ("a topic with space around it", {"topic": "  Cells  "}, {"topic": "Cells"}),
    ("the longest topic", {"topic": "x" * 300}, {"topic": "x" * 300}),
    ("the longest topic, with space around it", {"topic": f" {'x' * 300} "}, {"topic": "x" * 300}),
    ("the shortest topic", {"topic": "x"}, {"topic": "x"}),
    ("a topic in another script", {"topic": "प्रकाश संश्लेषण"}, {"topic": "प्रकाश संश्लेषण", "slug": "प्रकाश-संश्लेषण"}),
    ("a topic that is SQL", {"topic": "'; DROP TABLE courses; --"}, {"topic": "'; DROP TABLE courses; --"}),
    ("a grade", {"grade_level": "University"}, {"grade_level": "University"}),
    ("a blank grade", {"grade_level": " "}, {"grade_level": "Grade 8"}),
    ("the longest grade", {"grade_level": "x" * 100}, {"grade_level": "x" * 100}),
    ("most lessons", {"num_lessons": 30}, {"total_lessons": 30}),
    ("a language", {"language": "EN-gb"}, {"language": "en-GB"}),
    ("a filter of slashes", {"source_filter": "//"}, {"source_filter": None}),
    ("a filter with slashes", {"source_filter": "/cell-biology/"}, {"source_filter": "/cell-biology/"}),
    ("unknown fields", {"colour": "blue", "nested": {"a": [1, None]}}, {}),
]


@pytest.mark.parametrize(("fields", "columns"), [case[1:] for case in VALID], ids=[case[0] for case in VALID])
def test_a_valid_request_becomes_a_course(served: Served, fields: dict[str, Any], columns: dict[str, Any]) -> None:
    body = request(**fields)
    served.upstream.publish(body)

    processing = served.status()
    assert processing.fields.keys() == {"request_id", "user_id", "status", "course_id", "message", "timestamp"}
    assert processing.fields["status"] == "processing"
    success = served.status()
    assert success.fields["status"] == "success"
    assert success.fields["stored_in"] == "database"
    assert success.fields["output_path"] is None
    assert success.fields["usage"]["calls"] >= success.fields["total_lessons"] + 1
    for message in (processing, success):
        assert message.fields["request_id"] == body["request_id"]
        assert message.fields["user_id"] == USER
        assert message.properties.correlation_id == body["request_id"]
        assert message.properties.type == f"course.{message.fields['status']}"
        assert message.properties.content_type == "application/json"
        assert message.properties.delivery_mode == 2
        UUID(message.properties.message_id)
        assert message.fields["timestamp"].endswith("+00:00")
    assert processing.properties.message_id != success.properties.message_id

    course = served.course(success.fields["course_id"])
    assert course["status"] == "READY"
    assert columns.items() <= course.items()
    assert success.fields["course_title"] == course["title"]
    assert success.fields["total_lessons"] == course["total_lessons"]
    lessons = served.psql.rows(
        f"SELECT * FROM v_course_lessons WHERE course_id = '{course['id']}' ORDER BY lesson_number"
    )
    assert [lesson["lesson_number"] for lesson in lessons] == list(range(1, course["total_lessons"] + 1))


@pytest.mark.parametrize(
    ("in_body", "in_properties", "stored"),
    [(0, 7, 0), (9, None, 9), (None, 7, 7), (None, 255, 9), (None, 0, 0), (None, None, 4)],
)
def test_the_priority_of_the_body_goes_over_that_of_the_message(
    served: Served, in_body: int | None, in_properties: int | None, stored: int
) -> None:
    served.upstream.publish(request(priority=in_body), priority=in_properties)
    course_id = (served.status(), served.status())[1].fields["course_id"]
    assert served.course(course_id)["request"]["priority"] == stored


def test_fields_that_are_absent_have_their_defaults(served: Served) -> None:
    served.upstream.publish({"user_id": USER, "topic": "Cells"}, message_id=str(uuid4()))
    course = served.course((served.status(), served.status())[1].fields["course_id"])
    defaults = {"grade_level": "Grade 8", "total_lessons": 4, "language": "en", "source_filter": None}
    assert defaults.items() <= course.items()


def test_a_body_of_just_256_kib_is_read(served: Served) -> None:
    body = json.dumps(request(padding="")).encode()
    served.upstream.publish(body[:-2] + b"x" * (256 * 1024 - len(body)) + body[-2:])
    assert (served.status(), served.status())[1].fields["status"] == "success"


INVALID: list[tuple[str, dict[str, Any], str]] = [
    ("no user", {"user_id": None}, "user_id"),
    ("NUL as the user", {"user_id": "\u0000"}, "user_id"),
    ("an escape sequence as the user", {"user_id": "\u001b[31m"}, "user_id"),
    ("half a character as the user", {"user_id": "é\u0085"}, "user_id"),
    ("a user that is no UUID", {"user_id": "me"}, "user_id"),
    ("no topic", {"topic": None}, "topic"),
    ("a blank topic", {"topic": " \t "}, "topic"),
    ("a topic that is too long", {"topic": "x" * 301}, "topic"),
    ("a control character in the topic", {"topic": "a\u0007b"}, "topic"),
    ("NUL in the topic", {"topic": "a\u0000b"}, "topic"),
    ("a topic of another type", {"topic": 5}, "topic"),
    ("a grade that is too long", {"grade_level": "x" * 101}, "grade_level"),
    ("a grade of another type", {"grade_level": 8}, "grade_level"),
    ("a control character in the grade", {"grade_level": "8\u0007b"}, "grade_level"),
    ("no lessons", {"num_lessons": 0}, "num_lessons"),
    ("less than no lessons", {"num_lessons": -1}, "num_lessons"),
    ("lessons that are true", {"num_lessons": True}, "num_lessons"),
    ("too many lessons", {"num_lessons": 31}, "num_lessons"),
    ("lessons as text", {"num_lessons": "4"}, "num_lessons"),
    ("half a lesson", {"num_lessons": 1.5}, "num_lessons"),
    ("lessons that are no number", {"num_lessons": float("nan")}, "num_lessons"),
    ("a filter of another type", {"source_filter": ["a"]}, "source_filter"),
    ("NUL in the filter", {"source_filter": "a\u0000"}, "source_filter"),
    ("a language that is none", {"language": "english please"}, "language"),
    ("a language of another type", {"language": 5}, "language"),
    ("an empty language", {"language": ""}, "language"),
    ("a priority as text", {"priority": "9"}, "priority"),
    ("a priority that is too high", {"priority": 10}, "priority"),
    ("a priority below zero", {"priority": -1}, "priority"),
]


@pytest.mark.parametrize(("fields", "wrong"), [case[1:] for case in INVALID], ids=[case[0] for case in INVALID])
def test_a_wrong_field_is_refused_by_name(served: Served, fields: dict[str, Any], wrong: str) -> None:
    body, before = request(**fields), served.courses()
    content = json.dumps(body).encode()
    served.upstream.publish(content)
    _assert_refused(served, content, body["request_id"], None if wrong == "user_id" else USER, wrong)
    assert served.courses() == before


def _assert_refused(
    served: Served, content: bytes, request_id: str | None, user_id: str | None, *wrong: str
) -> Received:
    status, dead = served.status(), served.upstream.next(DEAD)
    fields = status.fields
    assert fields.keys() == {
        "request_id", "user_id", "status", "course_id", "error_code", "retryable", "message", "timestamp"
    }  # fmt: skip
    assert (fields["status"], fields["error_code"], fields["retryable"]) == ("error", "invalid_request", False)
    assert (fields["request_id"], fields["user_id"], fields["course_id"]) == (request_id, user_id, None)
    assert [fault.partition(":")[0] for fault in fields["message"].split("; ")] == list(wrong)
    assert status.properties.type == "course.error"
    assert fields["timestamp"].endswith("+00:00")
    headers = {"x-error-code": "invalid_request", "x-error-reason": fields["message"]}
    if len(content) > 256 * 1024:
        headers |= {"x-body-bytes": len(content), "x-body-sha256": hashlib.sha256(content).hexdigest()}
        content = content[: 64 * 1024]
    assert dead.body == content
    for message in (status, dead):
        assert (message.properties.correlation_id, message.properties.delivery_mode) == (request_id, 2)
        UUID(message.properties.message_id)
    assert dead.properties.headers == headers
    return status


@pytest.mark.parametrize("request_id", ["", "x" * 201, "é" * 101, "a\nb", "a\u0000", 5])
def test_an_id_that_is_invalid_enters_no_property(served: Served, request_id: object) -> None:
    content = json.dumps(request(request_id=request_id)).encode()
    served.upstream.publish(content, message_id="m-1")
    _assert_refused(served, content, None, USER, "request_id")


def test_every_wrong_field_is_named(served: Served) -> None:
    content = json.dumps({"request_id": "r-x", "user_id": "?", "topic": "", "num_lessons": 99}).encode()
    served.upstream.publish(content)
    _assert_refused(served, content, "r-x", None, "topic", "num_lessons", "user_id")


BODIES: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("no JSON", b"hello"),
    ("an array", b"[]"),
    ("null", b"null"),
    ("a number", b"17"),
    ("a byte order mark", b"\xef\xbb\xbf{}"),
    ("invalid UTF-8", b'{"topic": "\xff\xfe"}'),
    ("cut off", b'{"topic": "Cells'),
    ("gzip", gzip.compress(b"{}")),
    ("UTF-16", "{}".encode("utf-16")),
    ("base64", base64.b64encode(b'{"topic": "Cells"}')),
    ("of Celery", b'[[], {"topic": "Cells"}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'),
    ("nested deeply", b"[" * 50_000),
    ("nested deeply and closed", b'{"a":' * 20_000 + b"1" + b"}" * 20_000),
    ("a lone surrogate", b'{"topic": "\\ud800"}'),
    ("over 256 KiB", b'{"topic": "' + b"x" * (256 * 1024) + b'"}'),
    ("15 MB", b"x" * 15_000_000),
]


@pytest.mark.parametrize("content", [case[1] for case in BODIES], ids=[case[0] for case in BODIES])
def test_a_body_that_can_not_be_a_request_is_refused(served: Served, content: bytes) -> None:
    """Faults 33 and 34."""
    before = served.courses()
    served.upstream.publish(content, message_id="m-1")
    status = _assert_refused(served, content, "m-1", None, "body")
    assert len(status.body) < 1000
    assert served.courses() == before


def test_a_refusal_names_the_framework_that_sent_it(served: Served) -> None:
    content = b'{"subject": "Cells"}'
    served.upstream.publish(content, message_id="m-2", headers={"__TypeId__": "shop.CourseRequest"})
    status = _assert_refused(served, content, "m-2", None, "body", "topic", "user_id")
    assert "is by Spring" in status.fields["message"]


class TestIds:
    def test_the_message_id_stands_in_for_the_request_id(self, served: Served) -> None:
        served.upstream.publish(request(request_id=None), message_id="from-the-message")
        for _ in ("processing", "success"):
            message = served.status()
            assert message.fields["request_id"] == message.properties.correlation_id == "from-the-message"

    def test_without_any_id_there_is_a_new_one(self, served: Served) -> None:
        served.upstream.publish(request(request_id=None))
        given, repeated = served.status().fields["request_id"], served.status().fields["request_id"]
        assert given is not None
        assert given == repeated

    def test_headers_and_properties_that_can_not_be_decoded_are_tolerated(
        self, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Fault 35: a time in milliseconds, as some publishers have it, is one in the year 57742."""
        with monkeypatch.context() as odd:
            odd.setattr(calendar, "timegm", lambda _: 1_760_000_000_000)
            served.upstream.publish(
                request(request_id=None),
                message_id=b"\xff",
                reply_to=b"\xff",
                correlation_id=b"\xff",
                headers={"sent_at": [datetime.now(UTC), {"again": datetime.now(UTC)}], "a": 1},
            )
        assert served.status().fields["status"] == "processing"
        assert served.status().fields["status"] == "success"

    def test_odd_properties_are_tolerated(self, served: Served) -> None:
        """Fault 35."""
        served.upstream.publish(
            request(request_id=None),
            message_id="x" * 255,
            reply_to="",
            correlation_id="\x00",
            priority=255,
            headers={"a": None, "b": [1, {"c": b"\xff"}]},
            timestamp=2**40,
            expiration="60000",
            content_type="text/plain",
            content_encoding="nonsense",
        )
        assert served.status().fields["request_id"] != "x" * 255
        assert served.status().fields["status"] == "success"

    def test_the_same_request_again_repeats_the_stored_result(self, served: Served) -> None:
        """Fault 32."""
        body = request()
        served.upstream.publish(body)
        first = (served.status(), served.status())[1]
        calls = served.psql.value("SELECT count(*) FROM model_calls")
        for again in (body, {**body, "priority": 9, "grade_level": "Grade 8"}):
            served.upstream.publish(again)
            repeat = served.status()
            assert repeat.body == first.body
            assert repeat.properties.message_id == first.properties.message_id
        assert served.psql.value("SELECT count(*) FROM model_calls") == calls

    def test_the_same_id_for_something_else_is_a_conflict_and_not_dead_lettered(self, served: Served) -> None:
        """Fault 31."""
        body = request()
        served.upstream.publish(body)
        course_id = (served.status(), served.status())[1].fields["course_id"]
        before = served.course(course_id)
        served.upstream.publish({**body, "topic": "Something else"})
        conflict = served.status()
        assert conflict.fields["error_code"] == "request_id_conflict"
        assert conflict.properties.correlation_id == body["request_id"]
        assert served.course(course_id) == before

    def test_the_course_id_is_a_uuid5_of_user_and_request(self, served: Served) -> None:
        body = request()
        served.upstream.publish(body)
        expected = str(uuid5(UUID(USER), body["request_id"]))
        assert {served.status().fields["course_id"], served.status().fields["course_id"]} == {expected}


class TestReplies:
    def test_the_final_result_also_goes_to_reply_to_with_the_callers_correlation_id(self, served: Served) -> None:
        queue = served.upstream.reply_queue()
        served.upstream.publish(request(), reply_to=queue, correlation_id="mine")
        success = (served.status(), served.status())[1]
        reply = served.upstream.next(queue)
        assert reply.body == success.body
        assert reply.properties.correlation_id == "mine"
        assert reply.properties.message_id == success.properties.message_id
        assert served.upstream.waiting(queue) == []

    def test_a_duplicate_is_answered_too(self, served: Served) -> None:
        queue, body = served.upstream.reply_queue(), request()
        served.upstream.publish(body)
        success = (served.status(), served.status())[1]
        served.upstream.publish(body, reply_to=queue, correlation_id="later")
        assert served.status().body == success.body
        assert served.upstream.next(queue).properties.correlation_id == "later"

    def test_a_refusal_is_a_final_result(self, served: Served) -> None:
        queue = served.upstream.reply_queue()
        content = b"{}"
        served.upstream.publish(content, reply_to=queue, correlation_id="mine")
        _assert_refused(served, content, None, None, "topic", "user_id")
        assert served.upstream.next(queue).fields["error_code"] == "invalid_request"

    def test_a_reply_queue_that_is_gone_holds_nothing_up(self, served: Served) -> None:
        served.upstream.publish(request(), reply_to="no.such.queue")
        assert (served.status(), served.status())[1].fields["status"] == "success"
        served.worker.wait_for("reply_dropped")
        assert len(served.worker.lines("reply_dropped")) == 1


def test_progress_is_told_on_its_own_route(served: Served) -> None:
    queue, body = served.upstream.progress_queue(), request(num_lessons=2)
    served.upstream.publish(body)
    events = [served.upstream.next(queue) for _ in range(3)]
    assert [event.fields["lessons_done"] for event in events] == [0, 1, 2]
    assert events[0].fields["lesson_number"] is None
    assert {event.fields["total_lessons"] for event in events} == {2}
    assert {event.properties.correlation_id for event in events} == {body["request_id"]}
    assert {event.properties.type for event in events} == {"course.progress"}
    assert [served.status().fields["status"] for _ in range(2)] == ["processing", "success"]


def test_the_contract_in_docs_is_what_was_seen(served: Served) -> None:
    """The published JSON Schemas name every field of the messages, and no other."""
    folder = Path(__file__).parents[2] / "docs" / "contract"
    schema = json.loads((folder / "status.schema.json").read_text())
    served.upstream.publish(request())
    seen = [("ProcessingMessage", served.status()), ("SuccessMessage", served.status())]
    served.upstream.publish(b"{}")
    seen.append(("ErrorMessage", _assert_refused(served, b"{}", None, None, "topic", "user_id")))
    for name, message in seen:
        assert schema["$defs"][name]["properties"].keys() == message.fields.keys()
        assert set(schema["$defs"][name]["required"]) == message.fields.keys()
