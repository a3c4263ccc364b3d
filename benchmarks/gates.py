"""Measures whether the quality gates find faults and leave good lessons alone, without any service.

    python -m benchmarks.gates [--seed 1] [--count 60] [--lessons 240] [--only TEXT]

Three tables: what the gates find in the good lessons of `tests/corpus`, by subject and language; what they find in
variations of these; and, as a mutation test, how many faults of each kind they find that are planted in these lessons,
one at a time. The gates don't claim to find a kind marked with *: it is measured, not judged. Exits with 1 if a good
lesson has a hard finding, if soft ones or the findings of one gate are too many, if too few faults of a claimed kind
are caught, or if there are too few kinds: the figures are the constants below.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # if this is run as a file

from benchmarks.choice_faults import CHOICE_FAULTS
from benchmarks.citation_faults import CITATION_FAULTS
from benchmarks.clean_lessons import Case, by_hand
from benchmarks.form_faults import FORM_FAULTS
from benchmarks.leak_faults import LEAK_FAULTS
from benchmarks.marker_faults import MARKER_FAULTS
from benchmarks.outline_faults import OUTLINE_FAULTS, OutlineFault, outline_findings
from benchmarks.planting import Fault
from benchmarks.question_faults import QUESTION_FAULTS
from benchmarks.text_faults import TEXT_FAULTS
from benchmarks.varied_lessons import clean_cases
from src.domain.finding import Finding, Severity, soft

LEAST_CAUGHT = 0.95
"""The share of the planted faults of a claimed kind that are caught, at least."""
MOST_SOFT = 0.3
"""How many soft findings a good lesson may have, on average."""
MOST_LESSONS = 0.03
"""The share of the lessons written by hand in which one gate may find something."""
FEWEST_KINDS = 70
"""How many kinds of fault are planted, at least."""

FAULTS: tuple[Fault | OutlineFault, ...] = (
    *CITATION_FAULTS,
    *MARKER_FAULTS,
    *TEXT_FAULTS,
    *LEAK_FAULTS,
    *QUESTION_FAULTS,
    *CHOICE_FAULTS,
    *FORM_FAULTS,
    *OUTLINE_FAULTS,
)
_TRIES = 12
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


@dataclass(frozen=True)
class Alarms:
    """What is found in lessons without a fault, and in their outlines."""

    found: Sequence[tuple[Case, frozenset[Finding]]]

    @property
    def examples(self) -> list[str]:
        """The findings, hard ones first, each with the name of its lesson."""
        told = [(finding.severity, f"{case.name}: {finding}") for case, findings in self.found for finding in findings]
        return [f"{severity} {text}" for severity, text in sorted(told)]

    def count(self, severity: Severity, *, subject: str = "", language: str = "") -> int:
        """Returns the number of findings, in all lessons or those of a subject and language."""
        return sum(
            finding.severity is severity
            for case, findings in self.found
            if subject in ("", case.subject) and language in ("", case.language)
            for finding in findings
        )

    def by_gate(self) -> Counter[str]:
        """Returns in how many lessons each gate finds something."""
        return Counter(gate for _, findings in self.found for gate in {finding.gate for finding in findings})

    def complaints(self, most_lessons: float) -> Iterator[str]:
        """Yields what is too much. `most_lessons`: the share of the lessons in which a gate may find something."""
        number = len(self.found)
        if hard := self.count(Severity.HARD):
            yield f"{hard} hard findings in good lessons"
        if (soft := self.count(Severity.SOFT)) > MOST_SOFT * number:
            yield f"{soft} soft findings in {number} good lessons; at most {MOST_SOFT} a lesson"
        for gate, lessons in self.by_gate().most_common():
            if lessons > most_lessons * number:
                yield f"`{gate}` finds something in {lessons} of {number} good lessons; at most {most_lessons:.0%}"


def alarms(cases: Sequence[Case]) -> Alarms:
    """Returns what the gates find in lessons without a fault and in their outlines."""
    return Alarms([(case, _clean_findings(case)) for case in cases])


def scores(
    seed: int, cases: Sequence[Case], count: int, faults: Sequence[Fault | OutlineFault] = FAULTS
) -> list[Score]:
    """Returns the score of every kind in `faults`, each planted up to `count` times in lessons drawn from `cases`."""
    all_scores = [Score(fault.name, _is_gated(fault)) for fault in faults]
    planted = [
        (index, fault, score, found)
        for fault, score in zip(faults, all_scores, strict=True)
        for index, found in islice(_planted(fault, seed, cases, count), count)
    ]
    # One lesson after the other, so that what reviews keep of its texts is of use for all faults in it.
    for index, fault, score, found in sorted(planted, key=lambda it: it[0]):
        clean = _found(cases[index]) | cases[index].outline_findings
        gates = {finding.gate for finding in found() - clean} & fault.gates
        score.planted += 1
        score.gates.update(gates)
        score.caught += bool(gates)
        if not gates:
            score.missed.append(cases[index].name)
    return all_scores


def _is_gated(fault: Fault | OutlineFault) -> bool:
    return fault.is_gated if isinstance(fault, Fault) else True


def _planted(
    fault: Fault | OutlineFault, seed: int, cases: Sequence[Case], count: int
) -> Iterator[tuple[int, Callable[[], frozenset[Finding]]]]:
    """Yields up to `count` lessons with the fault: the index in `cases`, and a function that reviews the lesson."""
    random = Random(f"{seed} {fault.name}")
    rounds = -(-count * _TRIES // len(cases))
    order = [index for _ in range(rounds) for index in random.sample(range(len(cases)), len(cases))]
    for index in order[: count * _TRIES]:
        changed = fault.plant(random, cases[index])
        if isinstance(changed, Case):
            yield index, partial(_found, changed)
        elif changed is not None:
            yield index, partial(outline_findings, cases[index], changed)


def _found(case: Case) -> frozenset[Finding]:
    """Returns what a review finds in a lesson, and what it puts right in it, under the name of the mend."""
    return case.findings | {soft(mend.what, mend.where, "mended") for mend in case.mends}


def _clean_findings(case: Case) -> frozenset[Finding]:
    return case.findings | case.outline_findings


def _print_corpus(found: Alarms) -> None:
    print(f"{'good lessons by hand':22} {'language':8} lessons  hard  soft")
    for (subject, language), number in sorted(Counter((it.subject, it.language) for it, _ in found.found).items()):
        of_both = [found.count(severity, subject=subject, language=language) for severity in Severity]
        print(f"{subject:22} {language:8} {number:7} {of_both[0]:5} {of_both[1]:5}")
    hard, soft = (found.count(severity) for severity in Severity)
    subjects, languages = ({getattr(case, name) for case, _ in found.found} for name in ("subject", "language"))
    number = len(found.found)
    print(f"{f'{len(subjects)} subjects':22} {f'{len(languages)}':8} {number:7} {hard:5} {soft:5}")
    print(f"soft findings a lesson: {soft / number:.2f} (at most {MOST_SOFT})\n")


def _print_gates(by_hand: Alarms, varied: Alarms) -> None:
    numbers = [len(found.found) for found in (by_hand, varied)]
    print(f"{'gate that finds something in':28} {numbers[0]:4} by hand  {numbers[1]:4} variations")
    counted = [found.by_gate() for found in (by_hand, varied)]
    for gate in sorted(counted[0] | counted[1]):
        print(f"{gate:28} {counted[0][gate]:4}          {counted[1][gate]:4}")
    for severity in Severity:
        print(f"{f'{severity} findings':28} {by_hand.count(severity):4}          {varied.count(severity):4}")
    for example in [*by_hand.examples, *varied.examples][:20]:
        print(f"  {example}")


def _print_scores(kinds: Sequence[Score]) -> None:
    print(f"\n{'kind of fault':46} planted caught       %  caught by")
    for score in kinds:
        name = score.name + ("" if score.is_gated else " *")
        gates = ", ".join(f"{gate} {number}" for gate, number in score.gates.most_common())
        low = "" if score.is_enough else f"  TOO FEW, such as in {', '.join(sorted(set(score.missed))[:5])}"
        print(f"{name:46} {score.planted:7} {score.caught:6} {score.share:7.1%}  {gates}{low}")
    claimed = [score for score in kinds if score.is_gated]
    print("* a kind that the gates don't claim to find: measured, not judged")
    print(f"{len(kinds)} kinds (at least {FEWEST_KINDS}), {len(claimed)} claimed")


def main() -> None:
    """Prints the tables; exits with 1 if the gates miss too much or find too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=60, help="how often each kind of fault is planted")
    parser.add_argument("--lessons", type=int, default=240, help="how many good lessons, those by hand included")
    parser.add_argument("--only", default="", help="plant only the kinds with this text in their names")
    options = parser.parse_args()
    cases = clean_cases(Random(options.seed), options.lessons)
    written, varied = alarms(cases[: len(by_hand())]), alarms(cases[len(by_hand()) :])
    _print_corpus(written)
    _print_gates(written, varied)
    faults = [fault for fault in FAULTS if options.only in fault.name]
    kinds = scores(options.seed, cases, options.count, faults)
    _print_scores(kinds)
    complaints = [*written.complaints(MOST_LESSONS), *varied.complaints(most_lessons=1.0)]
    complaints += [f"{it.name}: {it.share:.1%} caught" for it in kinds if not it.is_enough]
    if len(kinds) < FEWEST_KINDS and not options.only:
        complaints.append(f"{len(kinds)} kinds of fault, at least {FEWEST_KINDS}")
    if complaints:
        sys.exit("\n".join(["", *complaints]))


if __name__ == "__main__":
    main()
