"""What the limits of a course make of an attempt's outcome."""

from dataclasses import replace
from uuid import uuid4

import pytest

from src.domain.course import (
    Broken,
    Conclusion,
    Failed,
    Finished,
    HandedBack,
    Lease,
    Lost,
    Outcome,
    Postponed,
    Released,
    conclusion,
)
from src.domain.errors import ErrorCode

LEASE = Lease(
    course_id=uuid4(),
    lease_id=uuid4(),
    attempt=1,
    user_id=uuid4(),
    request_id="r-1",
    saved_lessons=frozenset(),
    postponements=0,
    postponed_for=0.0,
    tokens=0,
)
BUSY = Postponed("the model is busy", 30)
SOURCES_AWAY = Postponed("canceling statement due to timeout", 30, ErrorCode.INTERNAL)


def concluded(
    outcome: Outcome, attempt: int = 1, postponed_for: float = 0.0, is_refused_alone: bool = False
) -> Conclusion:
    lease = replace(LEASE, attempt=attempt, postponed_for=postponed_for, is_refused_alone=is_refused_alone)
    return conclusion(lease, outcome, max_attempts=3, max_wait=100)


@pytest.mark.parametrize("outcome", [Finished(), Lost(), Failed(ErrorCode.NO_SOURCES, "none", "why")])
def test_what_is_final_stays_as_it_is(outcome: Outcome) -> None:
    assert concluded(outcome, attempt=9, postponed_for=1000) == outcome


def test_a_stop_costs_no_attempt_and_no_wait() -> None:
    assert concluded(HandedBack(), attempt=9) == Released("the worker stopped", refund=True)


@pytest.mark.parametrize("outcome", [BUSY, SOURCES_AWAY])
def test_a_course_waits_for_model_and_sources_without_losing_an_attempt(outcome: Postponed) -> None:
    assert concluded(outcome, attempt=3, postponed_for=100) == Released(
        outcome.message, 30, refund=True, postponed=True
    )


def test_it_waits_for_the_model_so_long_and_no_longer() -> None:
    assert concluded(BUSY, postponed_for=101) == Failed(ErrorCode.MODEL_UNAVAILABLE, BUSY.message, BUSY.message)


def test_upstream_is_not_told_what_the_database_said_of_the_sources() -> None:
    failed = concluded(SOURCES_AWAY, postponed_for=101)
    assert failed == Failed(ErrorCode.INTERNAL, "the sources can't be searched", SOURCES_AWAY.message)


def test_a_wrong_key_is_no_reason_to_give_a_course_up() -> None:
    denied = Postponed("no such key", 30, stop="setting")
    released = Released("no such key", 30, refund=True, postponed=True, stop="setting")
    assert concluded(denied, postponed_for=1000) == released


def test_an_error_as_of_a_setting_fails_a_course_only_if_another_was_answered_since_its_first() -> None:
    refused = Postponed("refused", 30, stop="unknown")
    assert concluded(refused) == Released("refused", 30, refund=True, postponed=True, stop="unknown")
    assert concluded(refused, is_refused_alone=True) == Failed(ErrorCode.MODEL_REFUSED, "refused")
    denied = Postponed("no such key", 30, stop="setting")
    assert concluded(denied, is_refused_alone=True) == Failed(ErrorCode.MODEL_REFUSED, "no such key")
    away = Postponed("away", 30, stop="moment")
    assert isinstance(concluded(away, is_refused_alone=True), Released)


def test_an_unexpected_error_is_tried_again_later_and_later_until_no_attempt_is_left() -> None:
    broken = Broken("an unexpected error", "ZeroDivisionError: oh")
    for attempt, longest in ((1, 5), (2, 10)):
        released = concluded(broken, attempt)
        assert isinstance(released, Released) and (released.reason, released.refund) == (broken.detail, False)
        assert longest / 2 <= released.delay <= longest
    assert concluded(broken, attempt=3) == Failed(ErrorCode.INTERNAL, broken.message, broken.detail)


def test_what_says_all_that_there_is_to_say_is_the_reason_too() -> None:
    released = concluded(Broken("it took too long"))
    assert isinstance(released, Released) and released.reason == "it took too long"
