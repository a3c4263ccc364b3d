"""Where a reply may go."""

import pytest

from src.domain.message import reply_fault

OWN = frozenset({"course.generation.queue", "course.status.queue", "course.generation.dead"})


@pytest.mark.parametrize(
    "reply_to",
    ["portal.results", "amq.gen-Jx3", "amq.rabbitmq.reply-to", "amq.rabbitmq.reply-to.g1h.x", "x" * 255, "é"],
)
def test_unless_the_operator_says_otherwise_anything_but_what_is_reserved_will_do(reply_to: str) -> None:
    assert reply_fault(reply_to, OWN, ()) is None


@pytest.mark.parametrize(
    ("reply_to", "says"),
    [
        *((queue, "queue of the course generator") for queue in sorted(OWN)),
        ("amq.direct", "begin with 'amq.'"),
        ("amq.rabbitmq.trace", "begin with 'amq.'"),
        ("x" * 256, "more than 255 bytes"),
        ("é" * 128, "more than 255 bytes"),
    ],
)
def test_what_is_reserved_is_named(reply_to: str, says: str) -> None:
    fault = reply_fault(reply_to, OWN, ())
    assert fault is not None and fault.startswith("reply_to: ") and says in fault


@pytest.mark.parametrize(
    ("reply_to", "may"),
    [
        ("portal.results", True),
        ("portal.", True),
        ("victim.payments", False),
        ("amq.gen-Jx3", False),
        ("Portal.x", False),
    ],
)
def test_only_what_begins_as_it_is_allowed(reply_to: str, may: bool) -> None:
    assert (reply_fault(reply_to, OWN, ("portal.", "shop-")) is None) is may


def test_what_is_allowed_may_still_be_no_queue_of_the_worker() -> None:
    assert reply_fault("course.status.queue", OWN, ("course.",)) is not None
