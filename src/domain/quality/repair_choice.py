"""Which findings are sent back to the model: a repair costs the buyer tokens, so not each of them is worth one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from src.domain.finding import Finding, Severity
from src.domain.quality.weights import ENOUGH, weight

RepairMode = Literal["hard", "weighed", "all"]
"""`hard`: hard findings alone lead to a repair. `weighed`: soft ones too, if they weigh enough. `all`: any does."""

# What isn't about one part, so that the whole would be asked for again.
_OF_THE_WHOLE = frozenset({"", "sections", "key_terms", "checks", "lessons"})


@dataclass(frozen=True, slots=True)
class RepairChoice:
    """Chooses the findings that an answer is repaired for."""

    mode: RepairMode = "weighed"
    enough: int = ENOUGH
    """The weight from which on soft findings are worth a repair, if `mode` is `weighed`."""

    def of(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """Returns the findings that are worth a repair, in their order; none if the answer is kept as it is.

        Those of parts are weighed together, as one repair mends them all. One of the whole has to weigh enough by
        itself: everything is written anew for it. What is found in a part that is asked for again anyway comes along.
        """
        if self.mode == "all":
            return tuple(findings)
        asked = [finding for finding in findings if finding.severity is Severity.HARD]
        if self.mode == "weighed":
            asked += [finding for finding in findings if weight([finding]) >= self.enough]
            of_parts = [finding for finding in findings if not is_of_the_whole(finding)]
            # What a gate finds several times in a part is one thing to put right there.
            kinds = {(finding.gate, part_of(finding)): finding for finding in of_parts}
            asked += of_parts if weight(kinds.values()) >= self.enough else []
        if any(map(is_of_the_whole, asked)):
            return tuple(findings)
        parts = {part_of(finding) for finding in asked}
        return tuple(finding for finding in findings if finding in asked or part_of(finding) in parts)


def is_of_the_whole(finding: Finding) -> bool:
    """Returns whether a finding is about no part, but about all of the outline or lesson."""
    return finding.where in _OF_THE_WHOLE


def part_of(finding: Finding) -> str:
    """Returns the path of the part that a finding is about: `sections.2` of `sections.2.heading`."""
    return ".".join(finding.where.split(".")[:2])
