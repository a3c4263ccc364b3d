"""Lessons without a fault: those written by hand in `tests/corpus/lessons`, and the stand-in's."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from random import Random
from typing import Any

from src.devtools.stand_in_lesson import write_lesson
from src.devtools.stand_in_outline import write_outline
from src.domain.finding import Finding, Mend
from src.domain.language_tag import primary_subtag
from src.domain.lesson import Lesson, LessonText, Origin
from src.domain.outline import LessonPlan, Outline
from src.domain.passage_splitting import split
from src.domain.quality.draft import Grams, grams, plain
from src.domain.quality.review import Reviewed, review_lesson, review_outline
from src.domain.request import CourseBrief
from src.domain.source import Passage

ROOT = Path(__file__).resolve().parent.parent
_ORIGIN = Origin("benchmark", 1, "0" * 64)


@dataclass(frozen=True)
class Case:
    """A lesson with all that its review needs."""

    name: str
    subject: str
    """The school subject in English, such as `algebra`."""
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
    def reviewed(self) -> Reviewed[Lesson]:
        """The lesson as its review has it, with what that found."""
        given = (self.text, self.brief, self.plan, self.passages, self.others, _ORIGIN)
        return review_lesson(*given, must_cite=True, statements=self.statements)

    @property
    def findings(self) -> frozenset[Finding]:
        """The findings of the gates in the lesson."""
        return frozenset(self.reviewed.findings)

    @property
    def mends(self) -> frozenset[Mend]:
        """What the review put right in the lesson by itself."""
        return frozenset(self.reviewed.value.quality.mended)

    @cached_property
    def outline_findings(self) -> frozenset[Finding]:
        """The findings of the gates in the outline of the lesson's course."""
        return frozenset(review_outline(self.outline, self.brief).findings)

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
    """Returns the lessons of `tests/corpus/lessons`.

    Each is the only one of its course. The others in its language are no lessons of that course: what a gate finds in a
    whole course, such as the same key everywhere, it may find in a set of strangers by chance.
    """
    return tuple(_read(path) for path in sorted((ROOT / "tests" / "corpus" / "lessons").glob("*.json")))


def _read(path: Path) -> Case:
    given = json.loads(path.read_text())
    outline = Outline.model_validate_json(json.dumps(given["outline"]))
    return Case(
        path.stem,
        given["subject"],
        CourseBrief.model_validate(given["brief"]),
        outline,
        outline.lessons[given["lesson_number"] - 1],
        tuple(Passage(**passage, score=1.0) for passage in given["passages"]),
        LessonText.model_validate_json(json.dumps(given["text"])),
        {},
    )


def stand_in_cases(random: Random) -> Iterator[Case]:
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
        yield Case(f"stand-in: {plan.title}", "stand-in", brief, outline, plan, tuple(passages), text, beside)
