"""Measures whether the quality gates find faults: a mutation test of `src/domain/quality`, without any service.

    python benchmarks/gates.py [--seed 1] [--count 60] [--lessons 240]

Plants every kind of fault into lessons that have none, one at a time, and counts how many of them are found by the
gates that are meant for it. Also counts what the gates find in the clean lessons. Exits with 1 if less than 95 % of a
kind are caught, or if more than 2 % of the clean lessons raise an alarm. The gates don't claim to find a kind marked
with *: it is measured, not judged.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # if this is run as a file

from benchmarks.citation_faults import CITATION_FAULTS
from benchmarks.clean_lessons import Case, clean_cases
from benchmarks.form_faults import FORM_FAULTS
from benchmarks.leak_faults import LEAK_FAULTS
from benchmarks.outline_faults import OUTLINE_FAULTS, OutlineFault, outline_findings
from benchmarks.planting import Fault
from benchmarks.question_faults import QUESTION_FAULTS
from benchmarks.text_faults import TEXT_FAULTS
from src.domain.finding import Finding, Severity

LEAST_CAUGHT = 0.95
MOST_ALARMS = 0.02
FAULTS = (*CITATION_FAULTS, *TEXT_FAULTS, *LEAK_FAULTS, *QUESTION_FAULTS, *FORM_FAULTS)
_TRIES = 8
"""How many lessons are tried, at most, for each fault that is wanted: not every lesson has a place for it."""


@dataclass
class Score:
    """How often one kind of fault was planted and caught."""

    name: str
    is_gated: bool
    planted: int = 0
    caught: int = 0
    gates: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    """The names of the lessons in which the fault wasn't found."""

    @property
    def share(self) -> float:
        """The share of the planted faults that were caught."""
        return self.caught / self.planted if self.planted else 0.0

    @property
    def is_enough(self) -> bool:
        """Whether the gates find it often enough, or don't claim to."""
        return not self.is_gated or self.share >= LEAST_CAUGHT


@dataclass
class Alarms:
    """What was found in clean lessons and outlines."""

    lessons: int
    alarmed: int
    findings: Counter[tuple[str, Severity]]
    examples: list[str]

    @property
    def share(self) -> float:
        """The share of the clean lessons that have a finding."""
        return self.alarmed / self.lessons if self.lessons else 0.0

    @property
    def is_low(self) -> bool:
        """Whether there are few enough alarms, and no hard one, which would fail a course."""
        return self.share <= MOST_ALARMS and not any(severity is Severity.HARD for _, severity in self.findings)


def alarms(cases: Sequence[Case]) -> Alarms:
    """Counts what the gates find in clean lessons and their outlines."""
    found = [(case, case.findings | outline_findings(case, case.outline)) for case in cases]
    counted = Counter((finding.gate, finding.severity) for _, findings in found for finding in findings)
    examples = [f"{case.name}: {finding}" for case, findings in found for finding in findings]
    return Alarms(len(cases), sum(bool(findings) for _, findings in found), counted, examples)


def scores(seed: int, cases: Sequence[Case], count: int, faults: Sequence[Fault] = FAULTS) -> Iterator[Score]:
    """Yields the score of every kind of fault in `faults` and of outlines, each planted up to `count` times."""
    for fault in faults:
        yield _score(fault, fault.is_gated, seed, cases, count, _new_findings(fault))
    for outline_fault in OUTLINE_FAULTS:
        yield _score(outline_fault, True, seed, cases, count, _new_outline_findings(outline_fault))


_Plant = Callable[[Random, Case], frozenset[Finding] | None]
"""Plants a fault; returns what is found in the lesson only with it, or None if it can't be planted there."""


def _new_findings(fault: Fault) -> _Plant:
    def plant(random: Random, case: Case) -> frozenset[Finding] | None:
        planted = fault.plant(random, case)
        return None if planted is None else planted.findings - case.findings

    return plant


def _new_outline_findings(fault: OutlineFault) -> _Plant:
    def plant(random: Random, case: Case) -> frozenset[Finding] | None:
        planted = fault.plant(random, case)
        return None if planted is None else outline_findings(case, planted) - outline_findings(case, case.outline)

    return plant


def _score(
    fault: Fault | OutlineFault, is_gated: bool, seed: int, cases: Sequence[Case], count: int, plant: _Plant
) -> Score:
    random = Random(f"{seed} {fault.name}")
    score = Score(fault.name, is_gated)
    tried = 0
    while score.planted < count and tried < count * _TRIES:
        tried += 1
        case = random.choice(cases)
        found = plant(random, case)
        if found is None:
            continue
        score.planted += 1
        gates = {finding.gate for finding in found} & fault.gates
        score.gates.update(gates)
        score.caught += bool(gates)
        if not gates:
            score.missed.append(case.name)
    return score


def main() -> None:
    """Prints the tables; exits with 1 if the gates miss too much or find too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=60, help="how often each kind of fault is planted")
    parser.add_argument("--lessons", type=int, default=240, help="how many clean lessons")
    options = parser.parse_args()
    cases = clean_cases(Random(options.seed), options.lessons)
    is_good = True
    print(f"{'kind of fault':42} planted caught       %  caught by")
    for score in scores(options.seed, cases, options.count):
        is_good &= score.is_enough
        name = score.name + ("" if score.is_gated else " *")
        gates = ", ".join(f"{gate} {number}" for gate, number in score.gates.most_common())
        low = "" if score.is_enough else "  TOO FEW"
        print(f"{name:42} {score.planted:7} {score.caught:6} {score.share:7.1%}  {gates}{low}")
    print("* a kind that the gates don't claim to find: measured, not judged")
    found = alarms(cases)
    print(f"\nfalse alarms: {found.alarmed} of {found.lessons} clean lessons ({found.share:.1%})")
    for (gate, severity), number in sorted(found.findings.items()):
        print(f"  {gate} ({severity}): {number}")
    for example in found.examples[:10]:
        print(f"  {example}")
    if not (is_good and found.is_low):
        sys.exit("the gates miss too much, or find too much")


if __name__ == "__main__":
    main()
