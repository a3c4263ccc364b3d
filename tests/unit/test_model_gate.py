"""The gate that a model which refuses everything shuts, with time moved by hand."""

import pytest

from src.consumers import model_gate
from src.consumers.model_gate import ModelGate
from src.services.model_brake import ModelBrake
from tests.clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()
    monkeypatch.setattr(model_gate, "time", moved)
    return moved


def test_open_it_lets_everything_through() -> None:
    gate = ModelGate(ModelBrake(10, 1.0))
    gate.claimed()
    assert (gate.is_open, gate.permits(7)) == (True, 7)


def test_shut_it_lets_one_course_through_now_and_then_and_later_each_time(clock: Clock) -> None:
    gate = ModelGate(ModelBrake(10, 1.0))
    gate.shut("wrong key")
    for pause in (60, 120, 240, 480, 600, 600):
        clock.now += pause - 1
        assert gate.permits(5) == 0
        clock.now += 1
        assert gate.permits(5) == 1
        gate.claimed()
        assert gate.permits(5) == 0


def test_a_trial_for_which_no_course_is_due_is_not_used_up(clock: Clock) -> None:
    gate = ModelGate(ModelBrake(10, 1.0))
    gate.shut("wrong key")
    clock.now += 61
    assert [gate.permits(5) for _ in range(3)] == [1, 1, 1]


def test_an_answer_opens_it_and_the_next_time_begins_with_the_short_pause(clock: Clock) -> None:
    gate = ModelGate(ModelBrake(10, 1.0))
    gate.shut("quota")
    for _ in range(5):
        clock.now += 600
        gate.claimed()
    gate.open()
    assert (gate.is_open, gate.permits(5)) == (True, 5)
    gate.shut("quota")
    clock.now += 60
    assert gate.permits(5) == 1


def test_while_the_brake_holds_up_what_is_begun_nothing_is_let_through_and_no_trial_is_made(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    brake = ModelBrake(10, 1.0)
    gate = ModelGate(brake)
    gate.shut("quota")
    clock.now += 60
    with monkeypatch.context() as holding:
        holding.setattr(ModelBrake, "holds_up", True)
        assert gate.permits(5) == 0
    assert gate.permits(5) == 1
    gate.open()
    assert gate.permits(5) == 5


def test_closed_it_stays_closed(clock: Clock) -> None:
    gate = ModelGate(ModelBrake(10, 1.0))
    gate.close("no model")
    clock.now += 1e9
    assert (gate.is_open, gate.permits(5)) == (False, 0)
