import hashlib
import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.errors import InvalidRequest
from src.domain.request import MAX_BODY_BYTES, CourseRequest, WholeBody, identifiers, kept, valid_request_id

USER = "7b1f4c52-8d5b-4f0e-9a3f-2f2d1c0a9b11"


def body(**fields: Any) -> bytes:
    return json.dumps({"user_id": USER, "topic": "Cell Biology", **fields}).encode()


def faults(content: bytes) -> list[str]:
    with pytest.raises(InvalidRequest) as caught:
        CourseRequest.parse(content)
    return caught.value.faults


def test_defaults() -> None:
    request = CourseRequest.parse(body()).completed(None, None)
    assert (request.grade_level, request.num_lessons, request.language) == ("Grade 8", 4, "en")
    assert (request.source_filter, request.priority, request.id_given) == (None, 4, False)
    UUID(request.request_id)


def test_null_means_absent() -> None:
    names = ("request_id", "grade_level", "num_lessons", "source_filter", "language", "priority")
    request = CourseRequest.parse(body(**dict.fromkeys(names)))
    assert request == CourseRequest.parse(body())


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"topic": "  Cells \n"}, "topic", "Cells"),
        ({"topic": "x" * 300}, "topic", "x" * 300),
        ({"grade_level": ""}, "grade_level", "Grade 8"),
        ({"num_lessons": 1}, "num_lessons", 1),
        ({"num_lessons": 30}, "num_lessons", 30),
        ({"num_lessons": 4.0}, "num_lessons", 4),
        ({"source_filter": "microbiology/"}, "source_filter", "microbiology/"),
        ({"source_filter": "/"}, "source_filter", None),
        ({"source_filter": ""}, "source_filter", None),
        ({"language": "pt-br"}, "language", "pt-BR"),
        ({"language": "zh-hant-tw"}, "language", "zh-Hant-TW"),
        ({"language": "de-x-private"}, "language", "de-x-private"),
        ({"priority": 0}, "priority", 0),
        ({"priority": 9}, "priority", 9),
        ({"request_id": "é" * 100}, "request_id", "é" * 100),
        ({"user_id": USER.upper()}, "user_id", UUID(USER)),
        ({"unknown": {"a": [1]}}, "topic", "Cell Biology"),
    ],
)
def test_valid_fields(fields: dict[str, Any], name: str, value: Any) -> None:
    assert getattr(CourseRequest.parse(body(**fields)), name) == value


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"user_id": None}, "user_id"),
        ({"user_id": "me"}, "user_id"),
        ({"user_id": 7}, "user_id"),
        ({"topic": None}, "topic"),
        ({"topic": " \t "}, "topic"),
        ({"topic": "x" * 301}, "topic"),
        ({"topic": "a\u0000b"}, "topic"),
        ({"topic": "a\nb"}, "topic"),
        ({"topic": ["a"]}, "topic"),
        ({"grade_level": "x" * 101}, "grade_level"),
        ({"source_filter": "x/" * 1001}, "source_filter"),
        ({"grade_level": "a\u001bb"}, "grade_level"),
        ({"grade_level": 8}, "grade_level"),
        ({"num_lessons": 0}, "num_lessons"),
        ({"num_lessons": 31}, "num_lessons"),
        ({"num_lessons": -1}, "num_lessons"),
        ({"num_lessons": "4"}, "num_lessons"),
        ({"num_lessons": 4.5}, "num_lessons"),
        ({"num_lessons": True}, "num_lessons"),
        ({"num_lessons": float("nan")}, "num_lessons"),
        ({"num_lessons": 10**30}, "num_lessons"),
        ({"source_filter": 5}, "source_filter"),
        ({"source_filter": "a\u0000"}, "source_filter"),
        ({"language": "english please"}, "language"),
        ({"language": ""}, "language"),
        ({"language": "e"}, "language"),
        ({"priority": 10}, "priority"),
        ({"priority": -1}, "priority"),
        ({"priority": "high"}, "priority"),
        ({"request_id": ""}, "request_id"),
        ({"request_id": "x" * 201}, "request_id"),
        ({"request_id": "é" * 101}, "request_id"),
        ({"request_id": "a\nb"}, "request_id"),
        ({"request_id": 5}, "request_id"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, Any], wrong: str) -> None:
    (fault,) = faults(body(**fields))
    assert fault.startswith(f"{wrong}: ")


def test_every_wrong_field_is_named() -> None:
    found = faults(body(user_id="x", topic="", num_lessons=0, language="?"))
    assert [fault.split(":")[0] for fault in found] == ["topic", "num_lessons", "language", "user_id"]


def test_the_limit_of_lessons_is_a_setting() -> None:
    assert CourseRequest.parse(body(num_lessons=40), max_lessons=50).num_lessons == 40
    with pytest.raises(InvalidRequest, match="less than or equal to 5"):
        CourseRequest.parse(body(num_lessons=6), max_lessons=5)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b"5",
        b'"text"',
        b"\xef\xbb\xbf" + body(),
        b'{"topic": "\xff"}',
        body()[:-1],
        body() + b"x",
        b"[" * 100_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"topic": "\\ud800"}',
    ],
)
def test_a_body_that_is_no_json_object_is_refused(content: bytes) -> None:
    (fault,) = faults(content)
    assert fault.startswith("body: ")


def test_of_a_body_that_is_too_large_the_beginning_is_kept_with_what_the_whole_was() -> None:
    assert kept(b"x" * MAX_BODY_BYTES) == (b"x" * MAX_BODY_BYTES, None)
    whole = b"y" * 65_536 + b"x" * MAX_BODY_BYTES
    assert kept(whole) == (b"y" * 65_536, WholeBody(len(whole), hashlib.sha256(whole).hexdigest()))


@pytest.mark.parametrize(
    "topic",
    [
        "\u200b" * 3,
        "\u2060",
        "\ufeff",
        "\u202e\u202c",
        "\u3164",
        "\u2800",
        "\u115f",
        "\ufe0f",
        "\u200e \u200f",
        "\u00ad",
        "\u061c",
    ],
)
def test_a_topic_with_nothing_to_be_seen_is_refused(topic: str) -> None:
    assert faults(body(topic=topic)) == ["topic: String should have characters that can be seen"]


@pytest.mark.parametrize(
    "topic",
    [
        "\u06dd",
        "\u05e9\u05dc\u05d5\u05dd \u200fDNA",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "Ce\u202ells",
        "\u0915\u094d\u200d\u0937",
        "?",
        "1",
        "\u4e2d",
    ],
)
def test_any_other_topic_is_taken_as_it_came(topic: str) -> None:
    assert CourseRequest.parse(body(topic=topic)).topic == topic


def test_a_priority_over_the_highest_counts_as_that() -> None:
    wanted = CourseRequest.parse(body(priority=9))
    assert wanted.completed(None, None, max_priority=5).priority == 5
    assert CourseRequest.parse(body()).completed(None, 200).priority == 9
    assert CourseRequest.parse(body()).completed(None, None, max_priority=2).priority == 2


def test_faults_do_not_repeat_the_input() -> None:
    assert "s3cret" not in "".join(
        faults(body(num_lessons="s3cret", language="s3cret value", grade_level="s3cret" * 50))
    )


@given(st.binary(max_size=400))
def test_arbitrary_bytes_raise_nothing_but_the_named_error(content: bytes) -> None:
    try:
        CourseRequest.parse(content)
    except InvalidRequest as error:
        assert error.faults
    identifiers(content, None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
field_names = st.sampled_from(
    ["request_id", "user_id", "topic", "num_lessons", "language", "priority", "source_filter"]
)


@given(st.dictionaries(field_names, json_values))
def test_arbitrary_fields_raise_nothing_but_the_named_error(fields: dict[str, Any]) -> None:
    content = json.dumps(fields).encode()
    try:
        request = CourseRequest.parse(content).completed(None, None)
    except InvalidRequest as error:
        assert error.faults
    else:
        assert CourseRequest.parse(request.model_dump_json().encode()).topic == request.topic
    identifiers(content, None)


class TestCompleted:
    def test_the_body_goes_over_the_properties(self) -> None:
        request = CourseRequest.parse(body(request_id="r", priority=2)).completed("m", 7)
        assert (request.request_id, request.priority, request.id_given) == ("r", 2, True)

    def test_the_properties_stand_in_for_what_the_body_lacks(self) -> None:
        request = CourseRequest.parse(body()).completed("m", 7)
        assert (request.request_id, request.priority, request.id_given) == ("m", 7, True)

    def test_an_amqp_priority_above_nine_counts_as_nine(self) -> None:
        assert CourseRequest.parse(body()).completed(None, 255).priority == 9

    def test_without_any_id_each_request_is_a_new_one(self) -> None:
        request = CourseRequest.parse(body())
        assert request.completed(None, None).course_id != request.completed(None, None).course_id


class TestIdentity:
    def test_the_course_id_is_the_same_for_the_same_user_and_request_id(self) -> None:
        first = CourseRequest.parse(body(request_id="r")).completed(None, None)
        again = CourseRequest.parse(body(request_id="r", topic="Else")).completed(None, None)
        other = CourseRequest.parse(body(request_id="r", user_id=str(UUID(int=1)))).completed(None, None)
        assert first.course_id == again.course_id != other.course_id

    @pytest.mark.parametrize(
        "fields",
        [
            {"priority": 9},
            {"grade_level": "Grade 8"},
            {"language": "EN"},
            {"topic": " Cell Biology "},
            {"unknown": 1},
            {"num_lessons": None},
        ],
    )
    def test_what_asks_for_the_same_has_the_same_hash(self, fields: dict[str, Any]) -> None:
        assert _hash(**fields) == _hash()

    @pytest.mark.parametrize(
        "fields",
        [{"topic": "Cells"}, {"grade_level": "9"}, {"num_lessons": 5}, {"source_filter": "a"}, {"language": "de"}],
    )
    def test_what_asks_for_something_else_has_another_hash(self, fields: dict[str, Any]) -> None:
        assert _hash(**fields) != _hash()

    def test_slashes_around_a_source_filter_do_not_matter(self) -> None:
        assert _hash(source_filter="/a/b") == _hash(source_filter="a/b/") != _hash(source_filter="a")


def _hash(**fields: Any) -> str:
    return CourseRequest.parse(body(**fields)).completed("r", None).request_hash


class TestIdentifiersOfAnInvalidRequest:
    def test_valid_ones_are_found(self) -> None:
        assert identifiers(body(request_id="r", topic=""), None) == ("r", UUID(USER))

    def test_an_invalid_id_is_left_out_and_not_replaced(self) -> None:
        assert identifiers(body(request_id="a\nb", user_id="me"), "m") == (None, None)

    def test_the_message_id_stands_in_for_an_absent_one(self) -> None:
        assert identifiers(body(topic=""), "m") == ("m", UUID(USER))
        assert identifiers(b"not json", "m") == ("m", None)

    @pytest.mark.parametrize("value", [None, b"\xff", 5, "", "x" * 201, "a\u0000", "\ud800"])
    def test_what_can_not_be_an_id(self, value: object) -> None:
        assert valid_request_id(value) is None
