"""The mutation test of the gates, in small: what they find, and that they leave good lessons alone."""

from random import Random

import pytest

from benchmarks.clean_lessons import by_hand, clean_cases
from benchmarks.gates import FAULTS, LEAST_CAUGHT, alarms, scores

SEED = 7
COUNT = 8
CASES = clean_cases(Random(SEED), 60)


def test_every_lesson_written_by_hand_is_clean() -> None:
    found = alarms(by_hand())
    assert (found.lessons >= 8, found.examples) == (True, [])


def test_variations_and_the_stand_ins_lessons_raise_hardly_an_alarm() -> None:
    found = alarms(CASES)
    assert found.is_low, found.examples


def test_every_kind_of_fault_is_caught() -> None:
    kinds = list(scores(SEED, CASES, COUNT))
    missed = {score.name: score.missed for score in kinds if not score.is_enough}
    assert missed == {}
    assert sum(score.is_gated for score in kinds) >= 40
    assert all(score.planted == COUNT for score in kinds)


def test_a_gate_that_is_switched_off_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("src.domain.quality.text_gates._ENDED", _Anything())
    faults = [fault for fault in FAULTS if fault.name == "cut-off end"]
    score = next(scores(SEED, by_hand(), 5, faults))
    assert score.share < LEAST_CAUGHT and not score.is_enough and score.missed


class _Anything:
    def search(self, text: str) -> bool:
        return True
