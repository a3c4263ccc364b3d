"""What repairs cost, in small: a model that errs is asked again, and the calls are counted."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random
from typing import get_args

import pytest

from benchmarks.clean_lessons import Case, by_hand
from benchmarks.error_rates import OUTLINE_RATES, RATES
from benchmarks.gates import FAULTS
from benchmarks.outline_faults import OUTLINE_FAULTS
from benchmarks.repair_cost import MOST_SHARE, Spent, erred, spent
from src.domain.outline import Outline
from src.domain.quality.repair_choice import RepairMode

CLEAN = next(case for case in by_hand() if case.name == "en_photosynthesis")


def cost(mode: RepairMode, first: Case, outline: Outline = CLEAN.outline) -> Spent:
    with ThreadPoolExecutor(1) as reviews:
        return asyncio.run(spent(mode, [(CLEAN, first, outline)], reviews))


def test_every_kind_that_has_a_rate_is_planted() -> None:
    assert set(RATES) <= {fault.name for fault in FAULTS}
    assert set(OUTLINE_RATES) <= {fault.name for fault in OUTLINE_FAULTS}


def test_a_clean_lesson_is_paid_for_once() -> None:
    for mode in get_args(RepairMode):
        done = cost(mode, CLEAN)
        assert (done.repaired, done.failed, done.repair_tokens) == (0, 0, 0)
        assert done.tokens > 0


@pytest.mark.parametrize(("mode", "is_repaired"), [("hard", False), ("weighed", False), ("all", True)])
def test_a_vague_objective_is_worth_no_second_outline(mode: RepairMode, is_repaired: bool) -> None:
    plan = CLEAN.outline.lessons[0]
    vague = plan.model_copy(
        update={"learning_objectives": ("Understand the main ideas", *plan.learning_objectives[1:])}
    )
    outline = CLEAN.outline.model_copy(update={"lessons": (vague, *CLEAN.outline.lessons[1:])})
    assert (cost(mode, CLEAN, outline).repair_tokens > 0) is is_repaired


def test_one_wrong_question_costs_less_than_the_lesson_did() -> None:
    checks = (CLEAN.text.checks[0].model_copy(update={"evidence": "Nobody has said this."}), *CLEAN.text.checks[1:])
    done = cost("hard", CLEAN.with_text(checks=checks))
    assert (done.repaired, done.failed) == (1, 0)
    assert MOST_SHARE < done.share < 0.5


def test_as_many_lessons_err_as_the_rates_say() -> None:
    cases = [replace(CLEAN) for _ in range(20)]
    worse, outlines, number = erred(Random(3), cases, errors=0.5)
    assert len(worse) == len(outlines) == 20
    assert abs(number - 20 * 0.5 * sum(RATES.values())) <= 8
