"""Findings: what the quality gates find in an outline or a lesson."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a finding leads to. A hard one is repaired once, and then fails the course; a soft one goes on record.

    Soft ones are repaired too if they weigh enough (`quality/repair_choice.py`).
    """

    HARD = "hard"
    SOFT = "soft"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with an outline or a lesson."""

    gate: str
    """The name of the gate, which operators filter by."""
    severity: Severity
    where: str
    """The path of the part, such as `sections.2` or `checks.1`, counted from 1; empty for the whole."""
    message: str
    """What is wrong, with the offending words, for the model that repairs it and for whoever reads the record."""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.message} [{self.gate}]"


@dataclass(frozen=True, slots=True)
class Mend:
    """One thing that was put right in a lesson without a model, before anything was looked for in it."""

    what: str
    """What was put right: `full_stop`, `heading`, `numbering`, … (`quality/mending.py`)."""
    where: str
    """The path of the part, as a finding's."""


def hard(gate: str, where: str, message: str) -> Finding:
    """Returns a finding that fails the course if it isn't repaired."""
    return Finding(gate, Severity.HARD, where, message)


def soft(gate: str, where: str, message: str) -> Finding:
    """Returns a finding that goes on record if it isn't repaired."""
    return Finding(gate, Severity.SOFT, where, message)


def count(findings: Iterable[Finding], severity: Severity) -> int:
    """Returns how many findings are of `severity`."""
    return sum(finding.severity is severity for finding in findings)


def excerpt(text: str, most: int = 120) -> str:
    """Returns `text` in one line of at most `most` characters, in quotation marks."""
    line = " ".join(text.split())
    return f'"{line if len(line) <= most else line[: most - 1] + "…"}"'
