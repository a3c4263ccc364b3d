import struct
from itertools import count

import pika.data
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.config import RabbitMQSettings
from src.services.broker.connection import connection_parameters, tolerate_odd_headers
from src.services.broker.consumer import Unacknowledged


def test_the_kernel_notices_silence_within_two_heartbeats() -> None:
    """pika by itself takes one more. Its heartbeats go out twice as often as they have to."""
    config = RabbitMQSettings(heartbeat=10)
    assert connection_parameters(config, "test").tcp_options == {"TCP_USER_TIMEOUT": 10_000}


@pytest.mark.parametrize(
    "value",
    [b"T" + struct.pack(">Q", 2**63), b"d" + struct.pack(">d", float("nan")), b"f" + struct.pack(">f", float("inf"))],
    ids=["time", "NaN", "infinite"],
)
def test_a_header_that_pika_can_not_decode_is_none_and_the_next_one_is_read(
    monkeypatch: pytest.MonkeyPatch, value: bytes
) -> None:
    """Fault 35."""
    monkeypatch.setattr(pika.data, "decode_value", pika.data.decode_value)  # put back afterwards
    for _ in range(2):
        tolerate_odd_headers()
    entries = b"\x03odd" + value + b"\x04next" + b"I" + struct.pack(">i", 7)
    assert pika.data.decode_table(struct.pack(">I", len(entries)) + entries, 0)[0] == {"odd": None, "next": 7}


@pytest.mark.usefixtures("no_garbage_collection")
def test_headers_that_are_nested_without_end_are_read_as_far_as_that_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 35."""
    monkeypatch.setattr(pika.data, "decode_value", pika.data.decode_value)
    tolerate_odd_headers()
    deep = b""
    for _ in range(20_000):
        deep = b"A" + struct.pack(">I", len(deep)) + deep
    entries = b"\x03odd" + deep + b"\x04next" + b"I" + struct.pack(">i", 7)
    assert pika.data.decode_table(struct.pack(">I", len(entries)) + entries, 0)[0]["next"] == 7


def test_a_kind_of_value_that_nobody_knows_is_still_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pika.data, "decode_value", pika.data.decode_value)
    tolerate_odd_headers()
    with pytest.raises(pika.exceptions.InvalidFieldTypeException):
        pika.data.decode_value(b"?", 0)


def delivered(number: int) -> Unacknowledged:
    unacknowledged = Unacknowledged()
    for tag in range(1, number + 1):
        unacknowledged.add(tag)
    return unacknowledged


def test_what_is_acknowledged_from_the_first_on_takes_one_frame() -> None:
    assert delivered(5).acknowledge([3, 1, 2]) == [(3, True)]


def test_one_message_alone_is_no_multiple() -> None:
    assert delivered(5).acknowledge([1]) == [(1, False)]


def test_above_one_that_is_held_each_has_a_frame_of_its_own() -> None:
    unacknowledged = delivered(6)
    assert unacknowledged.acknowledge([1, 2, 4, 6]) == [(2, True), (4, False), (6, False)]
    assert unacknowledged.acknowledge([3]) == [(3, False)]
    assert unacknowledged.acknowledge([5]) == [(5, False)]


def test_when_the_gap_closes_what_lies_between_acknowledged_ones_is_covered_too() -> None:
    unacknowledged = delivered(6)
    unacknowledged.acknowledge([2, 4])
    assert unacknowledged.acknowledge([1, 3, 5]) == [(5, True)]


def test_an_acknowledgement_that_is_repeated_or_unknown_sends_nothing() -> None:
    unacknowledged = delivered(2)
    assert unacknowledged.acknowledge([1, 1]) == [(1, False)]
    assert unacknowledged.acknowledge([1, 7]) == []


@given(st.lists(st.one_of(st.none(), st.sets(st.integers(0, 40))), max_size=20))
def test_whatever_the_order_the_broker_sees_as_acknowledged_what_was_and_nothing_else(
    steps: list[set[int] | None],
) -> None:
    """None: three messages are delivered; a set: these are acknowledged, counted from the oldest that isn't."""
    unacknowledged, at_the_broker, tag_of_next = Unacknowledged(), set[int](), count(1)
    for step in steps:
        if step is None:
            came = [next(tag_of_next) for _ in range(3)]
            at_the_broker.update(came)
            for tag in came:
                unacknowledged.add(tag)
            continue
        waiting = sorted(at_the_broker)
        tags = {waiting[place] for place in step if place < len(waiting)}
        for tag, multiple in unacknowledged.acknowledge(tags):
            assert tag in at_the_broker  # else the broker closes the channel
            covered = {each for each in at_the_broker if each <= tag} if multiple else {tag}
            assert covered <= tags
            at_the_broker -= covered
        assert not tags & at_the_broker
