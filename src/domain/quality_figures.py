"""The figures that are on record of the quality of lessons and courses."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from src.domain.finding import Finding, Mend, Severity, count
from src.domain.model_call import ModelCall
from src.domain.result import CourseQuality

CHECKED_BY_RULES = ("quotations", "numbers_and_names", "answer_keys", "language", "form")
"""What the gates check: that quotations stand in their passages, that numbers and names of cited sentences stand there
too, that the evidence of a question bears its key out, the language of a text, and its form."""
NOT_CHECKED = ("meaning_of_citations", "truth_without_sources")
"""What no rule can tell: whether a passage means what the sentence says, and whether that is so where none is cited."""


@dataclass(frozen=True, slots=True)
class LessonQuality:
    """The figures of one lesson."""

    words: int
    citations: int
    """Citation markers that the text shows, such as [1]."""
    citations_verified: int
    """Those of the shown markers that are verified, counted anew in the finished text."""
    citations_removed: int
    """Markers that were taken out because they could not be verified."""
    factual_sentences: int
    cited_sentences: int
    """Factual sentences that carry a verified citation."""
    reading_grade: float | None
    """The school grade that the text reads like; None if it was not measured."""
    wanted_grade: int | None
    checks: int
    valid_keys: int
    findings: tuple[Finding, ...]
    passages: int = 0
    """Passages that it was given to rest on; 0 in files of earlier versions, which don't say."""
    passages_fitting: int = 0
    """Those of the passages that the search found, and not only the filter names."""
    passages_left_out: int = 0
    """Passages that were found and not given, as the model's context had no room for them."""
    mended: tuple[Mend, ...] = ()
    """What was put right without the model."""
    tokens: int = 0
    """Tokens that the lesson's calls to models took, by the servers' counts."""
    repair_tokens: int = 0
    """Those of the tokens that went into repairs."""

    @property
    def coverage(self) -> float | None:
        """The share of factual sentences that carry a verified citation; None if there are none."""
        return round(self.cited_sentences / self.factual_sentences, 3) if self.factual_sentences else None

    def as_json(self) -> dict[str, Any]:
        """Returns the value of `lessons.quality`."""
        return {
            "words": self.words,
            "passages": self.passages,
            "passages_fitting": self.passages_fitting,
            "passages_left_out": self.passages_left_out,
            "citations": self.citations,
            "citations_verified": self.citations_verified,
            "citations_removed": self.citations_removed,
            "factual_sentences": self.factual_sentences,
            "cited_sentences": self.cited_sentences,
            "citation_coverage": self.coverage,
            "reading_grade": self.reading_grade,
            "wanted_grade": self.wanted_grade,
            "checks": self.checks,
            "valid_keys": self.valid_keys,
            "hard_findings": count(self.findings, Severity.HARD),
            "soft_findings": count(self.findings, Severity.SOFT),
            "findings": findings_json(self.findings),
            "mended": [{"what": mend.what, "where": mend.where} for mend in self.mended],
            "tokens": self.tokens,
            "repair_tokens": self.repair_tokens,
        }


def findings_json(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """Returns findings as they are stored."""
    return [
        {"gate": found.gate, "severity": found.severity.value, "where": found.where, "message": found.message}
        for found in findings
    ]


def course_figures(
    lessons: Sequence[LessonQuality],
    sources: Sequence[Sequence[str]],
    outline_findings: Sequence[Finding],
    calls: Sequence[ModelCall],
) -> CourseQuality:
    """Returns the figures of a course, from those of its lessons, the documents that each cites, and its model calls.

    The function course_quality of the database computes the same from rows; a test compares the two.
    """
    grades = [Decimal(str(lesson.reading_grade)) for lesson in lessons if lesson.reading_grade is not None]
    citations = sum(lesson.citations for lesson in lessons)
    factual = sum(lesson.factual_sentences for lesson in lessons)
    findings = [*outline_findings, *(finding for lesson in lessons for finding in lesson.findings)]
    return CourseQuality(
        lessons_with_sources=sum(1 for documents in sources if documents),
        lessons_without_sources=sum(1 for documents in sources if not documents),
        citations=citations,
        citations_removed=sum(lesson.citations_removed for lesson in lessons),
        citation_precision=_share(sum(lesson.citations_verified for lesson in lessons), citations, "0.001"),
        citation_coverage=_share(sum(lesson.cited_sentences for lesson in lessons), factual, "0.001"),
        reading_grade=_share(sum(grades), len(grades), "0.1"),
        hardest_reading_grade=float(max(grades)) if grades else None,
        checks=sum(lesson.checks for lesson in lessons),
        valid_keys=sum(lesson.valid_keys for lesson in lessons),
        hard_findings=count(findings, Severity.HARD),
        soft_findings=count(findings, Severity.SOFT),
        tokens=sum(call.tokens for call in calls),
        repair_tokens=sum(call.tokens for call in calls if call.repair),
        checked_by_rules=list(CHECKED_BY_RULES),
        not_checked=list(NOT_CHECKED),
    )


def _share(part: Decimal | int, whole: int, step: str) -> float | None:
    # Halves are rounded up, as the database does.
    return float((Decimal(part) / whole).quantize(Decimal(step), ROUND_HALF_UP)) if whole else None
