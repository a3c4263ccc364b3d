import struct

import pika.data
import pytest

from src.config import RabbitMQSettings
from src.services.broker import connection_parameters, tolerate_odd_headers


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
