"""The review of an outline or a lesson: it verifies citations, passes every gate and takes the measurements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Generic, TypeVar

from src.domain.finding import Finding, Severity, count, hard
from src.domain.lesson import Check, Lesson, LessonText, Origin, with_keys_placed
from src.domain.normal_form import normal_text
from src.domain.outline import LessonPlan, Outline
from src.domain.quality.answer_keys import KEY_GATES, proven_keys
from src.domain.quality.choice_labels import LABEL
from src.domain.quality.citations import is_cited, markers, without_markers
from src.domain.quality.consistency_gates import CONSISTENCY_GATES
from src.domain.quality.draft import Draft, Grams
from src.domain.quality.form_gates import FORM_GATES
from src.domain.quality.mending import mended
from src.domain.quality.outline_gates import OUTLINE_GATES
from src.domain.quality.question_gates import QUESTION_GATES
from src.domain.quality.quotes import locate
from src.domain.quality.readability import grade_number
from src.domain.quality.source_gates import SOURCE_GATES
from src.domain.quality.text_gates import TEXT_GATES
from src.domain.quality.verification import Cited, verified
from src.domain.quality.weights import weight
from src.domain.quality_figures import LessonQuality
from src.domain.request import CourseBrief
from src.domain.sentences import sentences
from src.domain.source import Passage

R = TypeVar("R")

_LESSON_GATES = (*TEXT_GATES, *SOURCE_GATES, *KEY_GATES, *QUESTION_GATES, *FORM_GATES, *CONSISTENCY_GATES)


@dataclass(frozen=True, slots=True)
class Reviewed(Generic[R]):
    """An outline or lesson in the form in which it may be kept, with what the review found in it."""

    value: R
    findings: tuple[Finding, ...]

    @property
    def hard(self) -> tuple[Finding, ...]:
        """The hard findings: with one of them it can't be kept."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.HARD)

    def beats(self, other: "Reviewed[R]") -> bool:
        """Returns whether this is the better version: the one with fewer hard findings, then lighter soft ones."""
        return self._rank() < other._rank()

    def _rank(self) -> tuple[int, int]:
        return count(self.findings, Severity.HARD), weight(self.findings)


def review_outline(outline: Outline, brief: CourseBrief) -> Reviewed[Outline]:
    """Passes an outline through its gates."""
    return Reviewed(outline, tuple(finding for gate in OUTLINE_GATES for finding in gate(outline, brief)))


def review_lesson(
    text: LessonText,
    brief: CourseBrief,
    plan: LessonPlan,
    passages: Sequence[Passage],
    others: Mapping[int, Grams],
    origin: Origin,
    *,
    must_cite: bool,
    statements: Mapping[int, Sequence[bool]] = MappingProxyType({}),
) -> Reviewed[Lesson]:
    """Mends a lesson, verifies its citations, places its keys, and passes it through its gates.

    `others`: runs of words (`draft.grams`) of the course's other finished lessons, by lesson number; `statements`:
    whether their true-or-false statements are true (`draft.statement_keys`). `must_cite`: without a verified citation
    the lesson fails.
    """
    text, mends = mended(text, passages, brief.language)
    cited = verified(text.fields(), text.citations, passages, brief.language, _written_from(text, brief, plan))
    shown = _labelled(text.with_fields({where: _filled(field) for where, field in cited.fields.items()}))
    checks = with_keys_placed(tuple(map(_cleaned, shown.checks)), f"{plan.lesson_number} {plan.title}")
    shown = shown.model_copy(update={"checks": checks})
    draft = Draft(brief, plan, shown, passages, cited.citations, cited.removed, must_cite, others, statements)
    findings = tuple(finding for gate in _LESSON_GATES for finding in gate(draft))
    findings = (*_unknown_objectives(shown, plan), *findings)
    told = _cited_sentences(draft)
    lesson = Lesson(
        plan=plan,
        text=shown,
        language=brief.language,
        citations=cited.citations,
        check_citations=tuple(_citation_of(check.evidence, told, brief.language) for check in checks),
        quality=replace(_quality(draft, cited, passages, findings), mended=mends),
        origin=origin,
    )
    return Reviewed(lesson, findings)


def _written_from(text: LessonText, brief: CourseBrief, plan: LessonPlan) -> str:
    """Returns what a lesson is written from besides its passages, and what it shows as headings and terms."""
    shown = (*(part.heading for part in text.sections), *(term.term for term in text.key_terms))
    return "\n".join((brief.topic, plan.title, *plan.learning_objectives, *plan.key_concepts, *shown))


def _cleaned(check: Check) -> Check:
    """Returns a question without citations, which count only in the lesson's text, and without letters of choices.

    The choices get their letters when they are placed.
    """
    names = ("question", "evidence", "explanation", "answer")
    told = {name: _filled(without_markers(getattr(check, name))) for name in names}
    if check.choices is None:
        return check.model_copy(update=told)
    choices = tuple(_filled(without_markers(choice)) for choice in check.choices)
    if all(LABEL.match(choice) for choice in choices):
        choices = tuple(_filled(LABEL.sub("", choice)) for choice in choices)
        told["explanation"] = _filled(LABEL.sub("", told["explanation"]))
    if len(set(choices)) < len(choices):
        return check.model_copy(update={**told, "answer": check.answer})  # the choices differ in nothing else
    return check.model_copy(update={**told, "choices": choices, "answer": choices[check.choices.index(check.answer)]})


def _labelled(text: LessonText) -> LessonText:
    """Returns the text without citations in headings and terms, which cite nothing."""
    sections = (part.model_copy(update={"heading": _filled(without_markers(part.heading))}) for part in text.sections)
    terms = (term.model_copy(update={"term": _filled(without_markers(term.term))}) for term in text.key_terms)
    return text.model_copy(update={"sections": tuple(sections), "key_terms": tuple(terms)})


def _filled(text: str) -> str:
    # A part may have held nothing but citations that were taken out, and readers and validation want no empty part.
    return text.strip() or "…"


def _unknown_objectives(text: LessonText, plan: LessonPlan) -> list[Finding]:
    most = len(plan.learning_objectives)
    return [
        hard("unknown_objective", f"checks.{number}", f"there is no objective {check.objective}; the lesson has {most}")
        for number, check in enumerate(text.checks, start=1)
        if check.objective > most
    ]


def _cited_sentences(draft: Draft) -> list[tuple[str, int]]:
    """Returns the sentences that carry citations, without these, and the number of the first one of each."""
    told = (sentence.text for text in draft.fields.values() for sentence in sentences(text))
    return [(without_markers(text), found[0]) for text in told if (found := markers(text, draft.declared))]


def _citation_of(evidence: str, cited: Sequence[tuple[str, int]], language: str) -> int | None:
    """Returns the number of the first citation in the sentence that an answer rests on; None if it has none.

    `cited`: `_cited_sentences` of the lesson. A sentence that has the very words of the evidence goes before one that
    has nearly these.
    """
    wanted = normal_text(evidence)
    exactly = (number for sentence, number in cited if wanted in normal_text(sentence))
    nearly = (number for sentence, number in cited if locate(evidence, sentence, language))
    return next(exactly, None) or next(nearly, None)


def _quality(draft: Draft, cited: Cited, passages: Sequence[Passage], findings: tuple[Finding, ...]) -> LessonQuality:
    shown = [number for text in draft.fields.values() for number in markers(text, draft.declared)]
    stands = {
        citation.number
        for citation in cited.citations
        if any(
            passage.document == citation.document and locate(citation.quote, passage.text, draft.brief.language)
            for passage in passages
        )
    }
    factual = draft.factual_sentences
    return LessonQuality(
        words=len(draft.words),
        passages=len(passages),
        passages_fitting=sum(passage.score > 0 for passage in passages),
        citations=len(shown),
        citations_verified=sum(number in stands for number in shown),
        citations_removed=len(cited.removed),
        factual_sentences=len(factual),
        cited_sentences=sum(is_cited(sentence.text, draft.declared) for sentence in factual),
        reading_grade=draft.reading_grade,
        wanted_grade=grade_number(draft.brief.grade_level),
        checks=len(draft.text.checks),
        valid_keys=proven_keys(draft),
        findings=findings,
    )
