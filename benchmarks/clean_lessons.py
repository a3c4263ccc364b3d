"""Lessons without a fault: those written by hand in `tests/corpus/lessons`, the stand-in's, and variations of both."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from random import Random
from typing import Any

import regex

from src.devtools.stand_in_lesson import write_lesson
from src.devtools.stand_in_outline import write_outline
from src.domain.finding import Finding
from src.domain.language_tag import primary_subtag
from src.domain.lesson import Check, LessonText, Origin
from src.domain.outline import LessonPlan, Outline
from src.domain.passage_splitting import split
from src.domain.quality.citations import markers, without_markers
from src.domain.quality.draft import Grams, grams, plain
from src.domain.quality.review import review_lesson
from src.domain.request import CourseBrief
from src.domain.source import Passage
from src.domain.words import content_stems

ROOT = Path(__file__).resolve().parent.parent
_ORIGIN = Origin("benchmark", 1, "0" * 64)
_FEWEST_WORDS = 200
_STAND_IN_SHARE = 5
"""One lesson in so many is by the stand-in."""


@dataclass(frozen=True)
class Case:
    """A lesson with all that its review needs."""

    name: str
    brief: CourseBrief
    outline: Outline
    plan: LessonPlan
    passages: tuple[Passage, ...]
    text: LessonText
    others: Mapping[int, Grams]
    statements: Mapping[int, Sequence[bool]] = field(default_factory=dict)
    """Whether the true-or-false statements of the course's other lessons are true."""

    @property
    def language(self) -> str:
        """The primary subtag of the lesson's language."""
        return primary_subtag(self.brief.language)

    @cached_property
    def findings(self) -> frozenset[Finding]:
        """The findings of the gates in the lesson."""
        given = (self.text, self.brief, self.plan, self.passages, self.others, _ORIGIN)
        reviewed = review_lesson(*given, must_cite=True, statements=self.statements)
        return frozenset(reviewed.findings)

    def with_text(self, **changes: Any) -> "Case":
        """Returns the case with these fields of its text changed, without validating them."""
        return replace(self, text=self.text.model_copy(update=changes))

    def with_part(self, where: str, content: str) -> "Case":
        """Returns the case with another text in one part."""
        return replace(self, text=self.text.with_fields({**self.text.fields(), where: content}))

    def with_check(self, index: int, **changes: Any) -> "Case":
        """Returns the case with one question changed."""
        checks = list(self.text.checks)
        checks[index] = checks[index].model_copy(update=changes)
        return self.with_text(checks=tuple(checks))


def text_grams(text: LessonText) -> Grams:
    """Returns the runs of words that the review of another lesson of the course compares with this one."""
    parts = (part for where, part in text.fields().items() if not where.startswith("key_terms."))
    return grams("\n\n".join(map(plain, parts)))


@lru_cache(maxsize=1)
def by_hand() -> tuple[Case, ...]:
    """Returns the lessons of `tests/corpus/lessons`, each with the others in its language as lessons of its course."""
    cases = [_read(path) for path in sorted((ROOT / "tests" / "corpus" / "lessons").glob("*.json"))]
    return tuple(
        replace(
            case,
            others={
                number: text_grams(other.text)
                for number, other in enumerate(cases, start=case.brief.num_lessons + 1)
                if other is not case and other.language == case.language
            },
        )
        for case in cases
    )


def _read(path: Path) -> Case:
    given = json.loads(path.read_text())
    outline = Outline.model_validate_json(json.dumps(given["outline"]))
    return Case(
        path.stem,
        CourseBrief.model_validate(given["brief"]),
        outline,
        outline.lessons[given["lesson_number"] - 1],
        tuple(Passage(**passage, score=1.0) for passage in given["passages"]),
        LessonText.model_validate_json(json.dumps(given["text"])),
        {},
    )


def clean_cases(random: Random, number: int) -> list[Case]:
    """Returns `number` lessons: first each that was written by hand, then variations of these and of the stand-in's."""
    cases = list(by_hand())[:number]
    stand_in = _stand_in_cases(random)
    while len(cases) < number:
        written = next(stand_in) if len(cases) % _STAND_IN_SHARE == 0 else random.choice(by_hand())
        cases.append(_varied(random, written))
    return cases


def _stand_in_cases(random: Random) -> Iterator[Case]:
    """Yields lessons of courses that the stand-in writes from some of the samples."""
    passages = [
        Passage(path.relative_to(ROOT).as_posix(), span.section, text[span.start : span.end], 1.0, span.start)
        for path in sorted((ROOT / "samples").rglob("*.md"))
        for text in [path.read_text()]
        for span in split(text)
    ]
    while True:
        topic = random.choice(passages).section
        brief = CourseBrief(topic=topic, grade_level="Grade 8", num_lessons=random.choice((2, 3, 4)))
        yield from _stand_in_course(brief, random.sample(passages, 16))


def _stand_in_course(brief: CourseBrief, passages: list[Passage]) -> Iterator[Case]:
    given = [
        {"number": number, "document": passage.document, "section": passage.section, "text": passage.text}
        for number, passage in enumerate(passages, start=1)
    ]
    course = brief.model_dump() | write_outline(brief.model_dump(), given)
    outline = Outline.model_validate_json(json.dumps({name: course[name] for name in Outline.model_fields}))
    texts = [
        LessonText.model_validate_json(json.dumps(write_lesson(course, plan.lesson_number, given)))
        for plan in outline.lessons
    ]
    others = {number: text_grams(text) for number, text in enumerate(texts, start=1)}
    for plan, text in zip(outline.lessons, texts, strict=True):
        beside = {number: own for number, own in others.items() if number != plan.lesson_number}
        yield Case(f"stand-in: {plan.title}", brief, outline, plan, tuple(passages), text, beside)


def _varied(random: Random, case: Case) -> Case:
    """Returns the same lesson, as good as it was, with less in it and in another order."""
    shorter = _fewer_sections(random, case)
    text = shorter.text
    checks = _fewer_checks(random, text.checks)
    terms = random.sample(text.key_terms, random.randint(max(1, len(text.key_terms) - 1), len(text.key_terms)))
    kept = text.model_copy(update={"checks": tuple(checks), "key_terms": tuple(terms)})
    if not _holds(case.plan, kept):
        kept = text
    shuffled = tuple(_choices_shuffled(random, check) for check in kept.checks)
    named = [concept for concept in case.plan.key_concepts if set(content_stems(concept)) <= _stems(kept)]
    plan = case.plan.model_copy(update={"key_concepts": tuple(named)})
    varied = replace(shorter, text=kept.model_copy(update={"checks": shuffled}), plan=plan)
    return _markers_moved(random, _renumbered(random, _passages_shuffled(random, varied)))


def _fewer_sections(random: Random, case: Case) -> Case:
    """Returns the lesson without some sections, if the remaining questions still test every objective."""
    sections = list(case.text.sections)
    for part in random.sample(sections, random.randint(0, len(sections) - 2) if len(sections) > 2 else 0):
        left = [other for other in sections if other is not part]
        text = case.text.model_copy(update={"sections": tuple(left)})
        told = _told(text)
        text = text.model_copy(
            update={"checks": tuple(check for check in text.checks if _bare(check.evidence) in told)}
        )
        if len(told.split()) >= _FEWEST_WORDS and _holds(case.plan, text):
            sections, case = left, replace(case, text=text)
    random.shuffle(sections)
    return case.with_text(sections=tuple(sections))


def _fewer_checks(random: Random, checks: tuple[Check, ...]) -> list[Check]:
    return random.sample(checks, random.randint(3, len(checks)))


def _holds(plan: LessonPlan, text: LessonText) -> bool:
    """Returns whether at least three questions test every objective, and each of them rests on the lesson."""
    tested = {check.objective for check in text.checks}
    told = _told(text)
    return (
        len(text.checks) >= 3
        and tested == set(range(1, len(plan.learning_objectives) + 1))
        and all(_bare(check.evidence) in told for check in text.checks)
    )


def _told(text: LessonText) -> str:
    return _bare("\n\n".join(text.fields().values()))


def _bare(text: str) -> str:
    return " ".join(without_markers(text).split())


def _stems(text: LessonText) -> set[str]:
    return set(content_stems(" ".join([*text.fields().values(), *(term.term for term in text.key_terms)])))


def _choices_shuffled(random: Random, check: Check) -> Check:
    if check.kind != "multiple_choice" or check.choices is None:
        return check
    return check.model_copy(update={"choices": tuple(random.sample(check.choices, len(check.choices)))})


def _passages_shuffled(random: Random, case: Case) -> Case:
    order = random.sample(range(len(case.passages)), len(case.passages))
    citations = [
        citation.model_copy(update={"passage": order.index(citation.passage - 1) + 1})
        for citation in case.text.citations
    ]
    moved = case.with_text(citations=tuple(citations))
    return replace(moved, passages=tuple(case.passages[index] for index in order))


def _renumbered(random: Random, case: Case) -> Case:
    """Returns the lesson with other numbers for its citations, in any order and with gaps, without unused citations."""
    used = {number for text in case.text.fields().values() for number in markers(text)}
    numbers = dict(zip(sorted(used), random.sample(range(1, 2 * len(used) + 1), len(used)), strict=True))
    citations = [
        citation.model_copy(update={"number": numbers[citation.number]})
        for citation in case.text.citations
        if citation.number in used
    ]

    def renumbered(text: str) -> str:
        return regex.sub(r"\[(\d+)\]", lambda marker: f"[{numbers[int(marker.group(1))]}]", text)

    fields = {where: renumbered(text) if markers(text) else text for where, text in case.text.fields().items()}
    return replace(case, text=case.text.with_fields(fields).model_copy(update={"citations": tuple(citations)}))


def _markers_moved(random: Random, case: Case) -> Case:
    """Returns the lesson, half of the time with its citations before the full stops instead of after them."""
    if random.random() < 0.5:
        return case
    fields = {
        where: regex.sub(r"([.।])((?:\s?\[\d+\])+)", lambda end: f"{end.group(2)}{end.group(1)}", text)
        for where, text in case.text.fields().items()
    }
    return replace(case, text=case.text.with_fields(fields))
