"""The breaker that a model which refuses everything shuts, with time moved by hand."""

import math

import pytest
import structlog

from src.consumers import model_breaker
from src.consumers.model_breaker import ModelBreaker
from src.domain.course import Stop, StopKind
from src.services.model.brake import ModelBrake
from tests.clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()
    monkeypatch.setattr(model_breaker, "time", moved)
    return moved


def test_open_it_lets_everything_through() -> None:
    breaker = ModelBreaker(ModelBrake(10, 1.0))
    breaker.claimed()
    assert (breaker.tripped, breaker.permits(7)) == (False, 7)


def test_shut_it_lets_one_course_through_now_and_then_and_later_each_time(clock: Clock) -> None:
    breaker = ModelBreaker(ModelBrake(10, 1.0))
    breaker.trip(Stop("setting", "wrong key"))
    for pause in (60, 120, 240, 480, 600, 600):
        clock.now += pause - 1
        assert breaker.permits(5) == 0
        clock.now += 1
        assert breaker.permits(5) == 1
        breaker.claimed()
        assert breaker.permits(5) == 0


def test_a_trial_for_which_no_course_is_due_is_not_used_up(clock: Clock) -> None:
    breaker = ModelBreaker(ModelBrake(10, 1.0))
    breaker.trip(Stop("setting", "wrong key"))
    clock.now += 61
    assert [breaker.permits(5) for _ in range(3)] == [1, 1, 1]


def test_an_answer_opens_it_and_the_next_time_begins_with_the_short_pause(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaker = ModelBreaker(ModelBrake(10, 1.0))
    breaker.trip(Stop("setting", "quota"))
    for _ in range(5):
        clock.now += 600
        breaker.claimed()
    with monkeypatch.context() as well:
        well.setattr(ModelBrake, "answered_since", lambda _, moment: True)
        assert (breaker.permits(5), breaker.tripped) == (5, False)
    breaker.trip(Stop("setting", "quota"))
    clock.now += 60
    assert breaker.permits(5) == 1


def test_while_the_brake_holds_up_what_is_begun_nothing_is_let_through_and_no_trial_is_made(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    brake = ModelBrake(10, 1.0)
    breaker = ModelBreaker(brake)
    breaker.trip(Stop("setting", "quota"))
    clock.now += 60
    with monkeypatch.context() as holding:
        holding.setattr(ModelBrake, "holds_up", True)
        assert breaker.permits(5) == 0
    assert breaker.permits(5) == 1
    monkeypatch.setattr(ModelBrake, "answered_since", lambda _, moment: True)
    assert breaker.permits(5) == 5


def test_disabled_it_stays_tripped(clock: Clock) -> None:
    breaker = ModelBreaker(ModelBrake(10, 1.0))
    breaker.disable("no model")
    clock.now += 1e9
    assert (breaker.tripped, breaker.permits(5)) == (True, 0)


def test_the_database_says_when_a_stop_on_record_ends() -> None:
    breaker = ModelBreaker(ModelBrake(10, 1.0))
    breaker.follow(Stop("unknown", "refused"), 0.0)
    assert (breaker.tripped, breaker.permits_claim(5)) == (True, 5)  # the database lets none through, or one
    breaker.follow(None, math.inf)
    assert not breaker.tripped


def test_what_the_database_was_asked_before_a_course_found_out_ends_nothing(clock: Clock) -> None:
    breaker = ModelBreaker(ModelBrake(10, 1.0))
    asked_at = clock.now
    clock.now += 1
    with structlog.testing.capture_logs() as logged:
        breaker.trip(Stop("setting", "wrong key"))
        breaker.follow(None, asked_at)
        breaker.trip(Stop("setting", "wrong key"))
    assert breaker.tripped
    assert [line["action"] for line in logged] == ["claiming_stopped"]


def test_of_what_only_this_process_knows_the_database_says_nothing(clock: Clock) -> None:
    breaker = ModelBreaker(ModelBrake(10, 1.0))
    breaker.trip(Stop("moment", "no answer"))
    breaker.follow(None, math.inf)
    assert (breaker.tripped, breaker.permits_claim(5)) == (True, 0)
    for pause in (5, 10, 20, 40, 60, 60):
        clock.now += pause - 1
        assert breaker.permits_claim(5) == 0
        clock.now += 1
        assert breaker.permits_claim(5) == 1
        breaker.claimed()


@pytest.mark.parametrize("kind", ["moment", "host", "setting"])
def test_an_answer_to_any_course_ends_what_this_process_knows(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, kind: StopKind
) -> None:
    breaker = ModelBreaker(ModelBrake(10, 1.0))
    breaker.trip(Stop(kind, "no answer"))
    assert breaker.permits(5) == 0
    monkeypatch.setattr(ModelBrake, "answered_since", lambda _, moment: moment <= clock.now)
    assert (breaker.permits(5), breaker.tripped) == (5, False)


def test_a_reason_of_another_kind_is_told_too() -> None:
    breaker = ModelBreaker(ModelBrake(10, 1.0))
    with structlog.testing.capture_logs() as logged:
        for stop in (Stop("unknown", "a"), Stop("unknown", "b"), Stop("setting", "c")):
            breaker.follow(stop, 0.0)
    assert [line["reason"] for line in logged] == ["a", "c"]


def test_it_forgets_no_missing_model_whatever_the_database_says() -> None:
    breaker = ModelBreaker(ModelBrake(10, 1.0))
    breaker.disable("no model")
    breaker.follow(None, math.inf)
    assert (breaker.tripped, breaker.permits_claim(5)) == (True, 0)
