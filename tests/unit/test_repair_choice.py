"""A repair costs tokens: hard findings are worth it, soft ones if they weigh enough."""

import ast
import inspect
import re
from typing import get_args

import pytest

from src.domain.finding import Finding, hard, soft
from src.domain.outline import Outline
from src.domain.quality import weights
from src.domain.quality.repair_choice import RepairChoice, RepairMode
from src.domain.quality.review import review_outline
from src.domain.quality.weights import ENOUGH, WEIGHTS, weight
from src.domain.request import CourseBrief
from tests.lessons import PLAN
from tests.unit.test_gates_document import TEXT, made

LEAK = hard("leak", "sections.1", "a model's own voice")
EMPTY = hard("uncited", "", "no citation could be verified")
FORM = soft("longest_is_key", "checks.1", "it stands out")
LACK = soft("duplicate_question", "checks.2", "it asks the same")
OTHER_LACK = soft("repetition", "sections.1", "it is said twice")
OF_ALL = soft("readability", "", "it reads like grade 9")
TWIN = soft("overlap", "", "half of it stands in lesson 2 too")


def misled(where: str) -> Finding:
    return soft("copied", where, "the source's own words")


@pytest.mark.parametrize(
    ("mode", "findings", "asked"),
    [
        ("hard", [LEAK, FORM], [LEAK]),
        ("hard", [FORM, misled("sections.1"), misled("sections.2"), TWIN], []),
        ("weighed", [], []),
        ("weighed", [FORM], []),
        ("weighed", [LACK, OTHER_LACK, FORM], []),
        ("weighed", [misled("sections.2"), LACK, FORM, FORM], []),
        ("weighed", [misled("sections.1"), misled("sections.2")], [misled("sections.1"), misled("sections.2")]),
        ("weighed", [misled("sections.1")] * 9, []),  # one thing to put right, in one place
        ("weighed", [OF_ALL] * 9, []),  # each alone isn't worth it to write everything anew
        ("weighed", [OF_ALL, TWIN], [OF_ALL, TWIN]),
        ("weighed", [LEAK, LACK], [LEAK]),
        ("all", [FORM], [FORM]),
        ("all", [OF_ALL, LEAK], [OF_ALL, LEAK]),
    ],
)
def test_what_is_worth_a_repair(mode: RepairMode, findings: list[Finding], asked: list[Finding]) -> None:
    assert RepairChoice(mode).of(findings) == tuple(asked)


@pytest.mark.parametrize("mode", get_args(RepairMode))
def test_what_is_in_a_part_that_is_asked_for_anyway_comes_along(mode: RepairMode) -> None:
    assert RepairChoice(mode).of([LEAK, OTHER_LACK]) == (LEAK, OTHER_LACK)


@pytest.mark.parametrize("mode", get_args(RepairMode))
def test_everything_comes_along_where_all_is_written_anew(mode: RepairMode) -> None:
    assert RepairChoice(mode).of([LACK, EMPTY, OF_ALL]) == (LACK, EMPTY, OF_ALL)


def test_the_limit_is_the_operators() -> None:
    assert RepairChoice(enough=3).of([LACK]) == (LACK,)
    assert RepairChoice(enough=100).of([LACK] * 30) == ()


def test_an_outline_with_one_vague_objective_is_kept() -> None:
    """Every outline of a small model had one, and so every outline was paid for twice."""
    plan = {**PLAN, "learning_objectives": ["Understand the three main ideas of cell theory", "Name its parts"]}
    outline = Outline.model_validate({"title": "Cells", "description": "About cells.", "lessons": [plan]})
    found = review_outline(outline, CourseBrief(topic="Cells", num_lessons=1)).findings
    assert [finding.gate for finding in found] == ["vague_objective"]
    assert RepairChoice().of(found) == ()


def test_what_no_table_knows_weighs_something() -> None:
    assert 0 < weight([soft("a_second_reader", "", "it means something else")]) < ENOUGH
    assert weight([LEAK]) == 0


def test_every_gate_that_may_be_soft_has_a_weight_and_no_other_has() -> None:
    assert set(WEIGHTS) == {gate for gate, severities in made() if "soft" in severities}


def test_the_document_says_what_each_weighs() -> None:
    rows = re.findall(r"^\| (\d+) \| (`.+`) \| .+ \|$", TEXT, re.MULTILINE)
    told = {gate: int(number) for number, gates in rows for gate in re.findall(r"`(\w+)`", gates)}
    assert told == WEIGHTS


def test_every_weight_is_one_of_the_four() -> None:
    """One table of a few names, and not fifty numbers that nobody can argue about."""
    (table,) = [
        node.value
        for node in ast.parse(inspect.getsource(weights)).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
    ]
    assert {value.id for value in table.values if isinstance(value, ast.Name)} == {
        "ENOUGH",
        "MISLEADS",
        "LACKS",
        "FORM",
    }
    assert all(isinstance(value, ast.Name) for value in table.values)
