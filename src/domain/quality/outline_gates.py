"""The gates for an outline. The shape of an `Outline` sees to it that lessons are numbered and that titles differ."""

from collections.abc import Iterator
from dataclasses import replace

import regex

from src.domain.finding import Finding, excerpt, hard, soft
from src.domain.language_recognition import language_name, other_language
from src.domain.language_tag import primary_subtag
from src.domain.numerals import written
from src.domain.outline import Outline
from src.domain.quality.leaks import leaks
from src.domain.quality.mangled_formulas import mangled_outline
from src.domain.quality.own_words import own_words
from src.domain.quality.text_gates import html
from src.domain.request import CourseBrief
from src.domain.words import content_stems, words

# Verbs whose result nobody can observe (Mager, "Preparing Instructional Objectives", 1962, calls them open to many
# interpretations); "will be able to" and the like go before them.
_OPENING = r"^(?:(?:the )?(?:learners?|students?|pupils?|you) (?:will|can|should)(?: be able to)? |to )?"
_VAGUE = {
    "en": regex.compile(
        _OPENING
        + r"(?:understand|know|learn|appreciate|be (?:aware|familiar)|realise|realize|grasp|become|get|see|study"
        r"|(?:have|gain|develop|acquire|build) (?:an? |some )?(?:\w+ )?(?:understanding|idea|knowledge|insights?"
        r"|appreciation|awareness|sense)|think about|enjoy|remember|comprehend|explore|be (?:introduced|exposed))\b",
        regex.IGNORECASE,
    ),
    "de": regex.compile(
        r"\b(?:verstehen|wissen|kennen|lernen|begreifen|kennenlernen|erfahren|vertraut machen"
        r"|(?:Verständnis|Gefühl|Bewusstsein)\b.*\bentwickeln)\W*$|^(?:verstehen|wissen|begreifen),",
        regex.IGNORECASE,
    ),
}


# Words that are likely a leak in a lesson, but not in its plan.
_AT_HOME_IN_A_PLAN = regex.compile(r"\b(?:students|learners|pupils) (?:will|should) be\b", regex.IGNORECASE)
_WORDS_OF_TITLES = {
    "en": "introduction overview basics",
    "de": "Einführung Überblick Grundlagen",
    "hi": "परिचय",
    "ar": "مقدمة",
}
# Words that a title may have besides its subject.
_OF_ANY_TITLE = frozenset(
    stem for language, words_of_titles in _WORDS_OF_TITLES.items() for stem in content_stems(words_of_titles, language)
)


def lesson_count(outline: Outline, brief: CourseBrief) -> Iterator[Finding]:
    """Finds another number of lessons than was asked for."""
    if len(outline.lessons) != brief.num_lessons:
        yield hard(
            "lesson_count", "lessons", f"{len(outline.lessons)} were given; exactly {brief.num_lessons} are needed"
        )


def alike_titles(outline: Outline, brief: CourseBrief) -> Iterator[Finding]:
    """Finds titles that hardly differ."""
    known: dict[frozenset[str], str] = {}
    for lesson in outline.lessons:
        stems = frozenset(content_stems(lesson.title, brief.language))
        says = (stems - _OF_ANY_TITLE or stems) | {it.text for it in written(lesson.title, brief.language)}
        if says in known:
            where = f"lessons.{lesson.lesson_number}.title"
            yield soft("alike_titles", where, f"{excerpt(lesson.title)} says the same as {excerpt(known[says])}")
        known.setdefault(says, lesson.title)


def vague_objective(outline: Outline, brief: CourseBrief) -> Iterator[Finding]:
    """Finds objectives of which nobody can see whether they are reached, in English and German only."""
    vague = _VAGUE.get(primary_subtag(brief.language))
    for lesson in outline.lessons if vague else ():
        for number, objective in enumerate(lesson.learning_objectives, start=1):
            if vague and vague.search(objective):
                where = f"lessons.{lesson.lesson_number}.learning_objectives.{number}"
                yield soft(
                    "vague_objective", where, f"begin with what a learner can be seen to do: {excerpt(objective)}"
                )


def repeated_objective(outline: Outline, brief: CourseBrief) -> Iterator[Finding]:
    """Finds an objective that stands twice in a lesson."""
    for lesson in outline.lessons:
        seen: set[tuple[str, ...]] = set()
        for number, objective in enumerate(lesson.learning_objectives, start=1):
            says = words(objective)
            if says in seen:
                where = f"lessons.{lesson.lesson_number}.learning_objectives.{number}"
                yield soft("repeated_objective", where, f"this objective stands twice: {excerpt(objective)}")
            seen.add(says)


def outline_leak(outline: Outline, brief: CourseBrief) -> Iterator[Finding]:
    """Finds words that were meant for somebody other than the learner."""
    texts = {"title": outline.title, "description": outline.description}
    for lesson in outline.lessons:
        place = f"lessons.{lesson.lesson_number}"
        named = "\n".join((*lesson.key_concepts, *lesson.learning_objectives))
        texts |= {f"{place}.title": lesson.title, f"{place}.description": lesson.description, f"{place}.named": named}
    for finding in leaks("outline_leak", texts, brief.topic):
        if not _AT_HOME_IN_A_PLAN.search(finding.message):
            where = finding.where.rpartition(".")[0] if finding.where.startswith("lessons.") else finding.where
            yield replace(finding, where=where)


def outline_html(outline: Outline, brief: CourseBrief) -> Iterator[Finding]:
    """Finds HTML, scripts and images, as titles and descriptions are shown in the course as they are."""
    yield from html(outline.title, "title", brief.topic)
    yield from html(outline.description, "description", brief.topic)
    for lesson in outline.lessons:
        shown = (lesson.title, lesson.description, *lesson.key_concepts, *lesson.learning_objectives)
        for text in shown:
            yield from html(text, f"lessons.{lesson.lesson_number}", brief.topic)


def outline_language(outline: Outline, brief: CourseBrief) -> Iterator[Finding]:
    """Finds an outline in another language than the one asked for."""
    parts = (f"{lesson.description} {' '.join(lesson.learning_objectives)}" for lesson in outline.lessons)
    if other := other_language(own_words(" ".join((outline.description, *parts))), brief.language):
        yield hard("outline_language", "", f"the outline is in {other}, not in {language_name(brief.language)}")


OUTLINE_GATES = (
    lesson_count,
    alike_titles,
    vague_objective,
    repeated_objective,
    outline_leak,
    outline_html,
    mangled_outline,
    outline_language,
)
