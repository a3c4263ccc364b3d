"""What a gate finds in an outline or a lesson."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a finding leads to. Both are repaired once; then a hard one fails the course and a soft one is recorded."""

    HARD = "hard"
    SOFT = "soft"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    gate: str
    """Name of the gate: operators filter on it."""
    severity: Severity
    where: str
    """Path of the part, such as `sections.2` or `checks.1`, counted from 1; empty for the whole."""
    message: str
    """What is wrong, with the offending words: for the repair, and for who reads the record."""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.message} [{self.gate}]"


def hard(gate: str, where: str, message: str) -> Finding:
    """A finding that a course can't have."""
    return Finding(gate, Severity.HARD, where, message)


def soft(gate: str, where: str, message: str) -> Finding:
    """A finding that a course can have, on record."""
    return Finding(gate, Severity.SOFT, where, message)


def count(findings: Iterable[Finding], severity: Severity) -> int:
    """How many are of `severity`."""
    return sum(finding.severity is severity for finding in findings)


def excerpt(text: str, most: int = 120) -> str:
    """`text` in one line of at most `most` characters, in quotation marks."""
    line = " ".join(text.split())
    return f'"{line if len(line) <= most else line[: most - 1] + "…"}"'
