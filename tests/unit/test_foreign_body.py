"""What a refused body seems to be. The bytes were made by the real libraries, in the versions that are named."""

import base64
import bz2
import gzip
import json
import pickle
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.errors import InvalidRequest
from src.domain.foreign_body import seeming
from src.domain.request import CourseRequest

USER = "7b1f4c52-8d5b-4f0e-9a3f-2f2d1c0a9b11"
REQUEST = {"user_id": USER, "topic": "Zellen für Anfänger"}
BODY = json.dumps(REQUEST, ensure_ascii=False).encode()
INNER = '{"user_id": "7b1f4c52-8d5b-4f0e-9a3f-2f2d1c0a9b11", "topic": "Cells"}'
ID = "c1a3b2d4-0000-4000-8000-000000000001"


def faults(body: bytes, *header_names: str) -> list[str]:
    with pytest.raises(InvalidRequest) as caught:
        CourseRequest.parse(body, header_names=header_names)
    return caught.value.faults


ENCODED: list[tuple[str, bytes]] = [
    ("is empty", b""),
    ("is empty", b" \r\n"),
    ("compressed by gzip", gzip.compress(BODY)),
    ("compressed by zlib", zlib.compress(BODY)),
    ("compressed by zlib", zlib.compress(BODY, 1)),
    ("compressed by zlib", zlib.compress(BODY, 9)),
    ("compressed by bzip2", bz2.compress(BODY)),
    # zstd 1.5.4, lz4 1.9.4: the command-line programs
    ("compressed by zstd", bytes.fromhex("28b52ffd24139900007b22757365725f6964223a202237623166227da9b66fbe")),
    (
        "compressed by lz4",
        bytes.fromhex("04224d186440a7130000807b22757365725f6964223a202237623166227d000000001d1fcacf"),
    ),
    ("a byte order mark (BOM)", b"\xef\xbb\xbf" + BODY),
    ("in UTF-16", BODY.decode().encode("utf-16")),
    ("in UTF-16", BODY.decode().encode("utf-16-le")),
    ("in UTF-16", BODY.decode().encode("utf-16-be")),
    ("in UTF-16", b"\xfe\xff" + BODY.decode().encode("utf-16-be")),
    ("in UTF-32", BODY.decode().encode("utf-32")),
    ("in UTF-32", BODY.decode().encode("utf-32-be")),
    ("perhaps in Latin-1 or Windows-1252", BODY.decode().encode("latin-1")),
    ("is base64 of JSON", base64.b64encode(BODY)),
    ("is base64 of JSON", base64.encodebytes(BODY)),
    ("is base64 of JSON", base64.urlsafe_b64encode(BODY).rstrip(b"=")),
    ("is base64 of JSON", base64.b64encode(gzip.compress(BODY))),
    ("is base64 of JSON, in a JSON string", json.dumps(base64.b64encode(BODY).decode()).encode()),
    ("encoded twice", json.dumps(BODY.decode()).encode()),
    ("is of Python's pickle", pickle.dumps(REQUEST, 2)),
    ("is of Python's pickle", pickle.dumps(REQUEST)),
    # msgpack 1.2.4
    ("is MessagePack", b"\x82\xa7user_id\xd9$7b1f4c52-8d5b-4f0e-9a3f-2f2d1c0a9b11\xa5topic\xa5Cells"),
    ("an object in a list", b"[" + BODY + b"]"),
    ("a list of objects", b"[" + BODY + b"," + BODY + b"]"),
    ("more than one JSON object", BODY + b"\n" + BODY + b"\n"),
    ("a literal of Python or JavaScript", repr(REQUEST).encode()),
    ("XML or HTML", b'<?xml version="1.0"?><CourseRequest><topic>Cells</topic></CourseRequest>'),
    ("a form", b"user_id=7b1f4c52-8d5b-4f0e-9a3f-2f2d1c0a9b11&topic=Cell+Biology"),
]


@pytest.mark.parametrize(("said", "body"), ENCODED)
def test_an_encoding_is_told(said: str, body: bytes) -> None:
    (fault,) = faults(body)
    assert fault.startswith("body: ")
    assert said in fault
    assert "; " not in fault  # it stands between the faults of a line
    assert USER not in fault and "Zellen" not in fault


ENVELOPES: list[tuple[str, str]] = [
    # celery 5.7.0 with kombu 5.7.0, `as_task_v2` and `as_task_v1`
    ("Celery", f'[[], {INNER}, {{"callbacks": null, "errbacks": null, "chain": null, "chord": null}}]'),
    (
        "Celery",
        f'{{"task": "courses.generate", "id": "{ID}", "args": [], "kwargs": {INNER}, "group": null, "group_index":'
        ' null, "retries": 0, "eta": null, "expires": null, "utc": true, "callbacks": null, "errbacks": null,'
        ' "timelimit": [null, null], "taskset": null, "chord": null}',
    ),
    # dramatiq 2.2.1, `Message.encode`
    (
        "Dramatiq",
        f'{{"queue_name":"default","actor_name":"generate_course","args":[],"kwargs":{INNER},"options":{{}},'
        f'"message_id":"{ID}","message_timestamp":1795745265619}}',
    ),
    # taskiq 0.13.0, `JSONFormatter`
    (
        "Taskiq",
        '{"task_id":"1","task_name":"courses:generate","labels":{},"labels_types":null,"args":[],'
        f'"kwargs":{INNER}}}',
    ),
    # cloudevents 2.2.0, `JSONFormat.write`
    (
        "CloudEvents",
        '{"type": "com.example.course", "source": "/shop", "id": "1", "specversion": "1.0", "datacontenttype":'
        f' "application/json", "time": "2026-11-27T02:07:45.622195Z", "data": {INNER}}}',
    ),
    # jsonrpcclient 4.0.3, `request_json`
    ("JSON-RPC", f'{{"jsonrpc": "2.0", "method": "courses.generate", "params": {INNER}, "id": 1}}'),
    # nameko 2.14.1, an RPC
    ("Nameko", f'{{"args": [], "kwargs": {INNER}}}'),
    # What follows is written after the documents of each.
    # https://masstransit.io/documentation/configuration/serialization
    (
        "MassTransit",
        f'{{"messageId": "{ID}", "sourceAddress": "rabbitmq://localhost/shop", "destinationAddress":'
        f' "rabbitmq://localhost/courses", "messageType": ["urn:message:Shop:CourseRequest"], "message": {INNER},'
        ' "headers": {}, "host": {"machineName": "shop"}}',
    ),
    # https://docs.nestjs.com/microservices/rabbitmq
    ("NestJS", f'{{"pattern": "course.generate", "data": {INNER}}}'),
    # https://laravel.com/docs/queues
    (
        "Laravel",
        f'{{"uuid": "{ID}", "displayName": "App\\\\Jobs\\\\Generate", "job":'
        f' "Illuminate\\\\Queue\\\\CallQueuedHandler@call", "data": {INNER}}}',
    ),
    # https://github.com/sidekiq/sidekiq/wiki/Job-Format
    ("Sidekiq", f'{{"class": "Generate", "jid": "b4a577edbccf1d805744efa9", "args": [{INNER}], "queue": "default"}}'),
    # https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
    ("Amazon SNS", f'{{"Type": "Notification", "TopicArn": "arn:aws:sns:x", "Message": {json.dumps(INNER)}}}'),
    # https://cloud.google.com/pubsub/docs/push
    ("Google Pub/Sub", '{"message": {"data": "eyJ9", "messageId": "1"}, "subscription": "projects/p/subscriptions/s"}'),
    # https://docs.spring.io/spring-integration/reference
    ("Spring Integration", f'{{"payload": {INNER}, "headers": {{"id": "{ID}"}}}}'),
    ("Spring", f'{{"__TypeId__": "shop.CourseRequest", "request": {INNER}}}'),
    # https://github.com/FasterXML/jackson-docs/wiki/JacksonPolymorphicDeserialization
    ("Jackson", f'["shop.CourseRequest", {INNER}]'),
    ("Jackson", '{"@class": "shop.CourseRequest", "subject": "Cells"}'),
    # https://www.newtonsoft.com/json/help/html/SerializeTypeNameHandling.htm, as NServiceBus may be set to write
    (".NET", '{"$type": "Shop.CourseRequest, Shop", "subject": "Cells"}'),
    ("Kafka Connect", f'{{"schema": null, "payload": {INNER}}}'),
]


@pytest.mark.parametrize(("framework", "body"), ENVELOPES)
def test_an_envelope_is_told_by_the_name_of_its_framework(framework: str, body: str) -> None:
    fault = faults(body.encode())[0]
    assert fault.startswith(f"body: is a message of {framework}")
    assert "publish the request's own JSON object" in fault


@pytest.mark.parametrize(
    ("framework", "header"),
    [
        ("Spring", "__TypeId__"),
        ("NServiceBus", "NServiceBus.EnclosedMessageTypes"),
        ("MassTransit", "MT-Activity-Id"),
        ("Rebus", "rbs2-msg-type"),
        ("CloudEvents", "cloudEvents:specversion"),
        ("Celery", "root_id"),
    ],
)
def test_one_that_only_headers_tell_is_named_too(framework: str, header: str) -> None:
    assert faults(b'{"subject": "Cells"}', "a", header)[0].startswith(f"body: is by {framework}, as its headers say")


def test_whatever_its_headers_a_request_is_taken_and_a_wrong_field_is_the_fault() -> None:
    assert CourseRequest.parse(BODY, header_names=["__TypeId__"]).topic == REQUEST["topic"]
    (fault,) = faults(json.dumps({**REQUEST, "num_lessons": 0}).encode(), "__TypeId__")
    assert fault.startswith("num_lessons: ")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"userId": USER, "topic": "Cells"}, ["userId is user_id"]),
        ({"UserId": USER, "Topic": "Cells", "NumLessons": 2}, ["UserId is user_id", "Topic is topic", "NumLessons is"]),
        ({"user-id": USER, "topic": "Cells"}, ["user-id is user_id"]),
    ],
)
def test_names_that_are_written_otherwise_are_told(names: dict[str, Any], said: list[str]) -> None:
    fault, *others = faults(json.dumps(names).encode())
    assert fault.startswith("body: has names that are written otherwise in the contract: ")
    assert all(part in fault for part in said)
    assert "user_id: Field required" in others


@pytest.mark.parametrize("body", [b"not json", b"[]", b"null", b"5", b'"text"', b"{}", b'{"a": 1}', b"\xff\xfe\xfd"])
def test_of_anything_else_nothing_is_said(body: bytes) -> None:
    assert seeming(body, (), ("user_id", "topic")) is None


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.lists(st.text(max_size=20), max_size=2))
def test_whatever_the_body_it_never_raises_and_says_one_line(body: bytes, names: list[str]) -> None:
    said = seeming(body, names, ("user_id", "topic"))
    assert said is None or said.isprintable()


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 50_000, b"a" * 200_000, b"a=" * 100_000, b"1" * 200_000])
def test_one_that_is_long_or_deep_has_an_end(body: bytes) -> None:
    seeming(body, (), ("user_id", "topic"))
