"""The gates for an outline. The shape of an `Outline` sees to it that lessons are numbered and that titles differ."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace

import regex

from src.domain.finding import Finding, excerpt, hard, soft
from src.domain.language_recognition import language_name, other_language
from src.domain.language_tag import primary_subtag
from src.domain.numerals import written
from src.domain.outline import Outline
from src.domain.quality.concept_names import names, says_the_same
from src.domain.quality.leaks import leaks
from src.domain.quality.mangled_formulas import mangled_outline
from src.domain.quality.own_words import own_words
from src.domain.quality.text_gates import html
from src.domain.quality.vague_objectives import is_vague
from src.domain.request import CourseBrief
from src.domain.words import NO_SPACES, content_stems, words

TELLING = 6
"""A key concept of one word with so many letters has hardly an everyday sense. Syllables count as one and a half."""

_LETTER = regex.compile(r"\p{L}")
_SYLLABLE = regex.compile(r"[\p{Han}\p{Hangul}\p{Hiragana}\p{Katakana}]")

# Words that are likely a leak in a lesson, but not in its plan.
_AT_HOME_IN_A_PLAN = regex.compile(r"\b(?:students|learners|pupils) (?:will|should) be\b", regex.IGNORECASE)
_WORDS_OF_TITLES = {
    "en": "introduction overview basics",
    "de": "Einführung Überblick Grundlagen",
    "es": "introducción",
    "fr": "introduction",
    "pt": "introdução visão geral",
    "ru": "введение",
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
    """Finds objectives of which nobody can see whether they are reached."""
    for lesson in outline.lessons:
        for number, objective in enumerate(lesson.learning_objectives, start=1):
            if is_vague(objective, brief.language):
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


def concept_used_early(outline: Outline, brief: CourseBrief) -> Iterator[Finding]:
    """Finds an objective or a description that names a concept which only a later lesson introduces.

    A short word, or one that the course or the lesson itself is about, may be meant in another sense. So may any single
    word of a description.
    """
    language, of_course = brief.language, _course_stems(outline, brief)
    own: set[str] = set()
    for lesson in outline.lessons:
        own.update(content_stems(" ".join((lesson.title, *lesson.key_concepts)), language))
        here = f"lessons.{lesson.lesson_number}"
        aims = [(f"{here}.learning_objectives.{it}", text) for it, text in enumerate(lesson.learning_objectives, 1)]
        for later in outline.lessons[lesson.lesson_number :]:
            for concept in later.key_concepts:
                places = _places(concept, aims, (here, lesson.description), of_course | own, language)
                where = next((where for where, text in places if names(text, concept, language)), None)
                if where:
                    message = f"this needs {excerpt(concept)}, which only lesson {later.lesson_number} introduces"
                    yield soft("concept_used_early", where, message)


def _places(
    concept: str, aims: Sequence[tuple[str, str]], described: tuple[str, str], known: Set[str], language: str
) -> Sequence[tuple[str, str]]:
    """Returns the texts that may not name a concept of a later lesson, with their paths."""
    stems = content_stems(concept, language)
    if known >= set(stems):
        return ()
    if len(words(concept)) > 1 and not NO_SPACES.search(concept):
        return (*aims, described)
    if any(_is_related(it, other) for it in stems for other in known) or _weight(concept) < TELLING:
        return ()
    if primary_subtag(language) != "en":
        return aims
    # "Sample the water" isn't about samples.
    return [(where, text) for where, text in aims if not names(text[: len(concept) + 1], concept, language)]


def _weight(concept: str) -> int:
    return len(_LETTER.findall(concept)) + len(_SYLLABLE.findall(concept)) // 2


def _is_related(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) > 2 and longer.startswith(shorter)


def repeated_concept(outline: Outline, brief: CourseBrief) -> Iterator[Finding]:
    """Finds a key concept that an earlier lesson introduces already, unless it is what the course is about."""
    of_course = _course_stems(outline, brief)
    known: list[tuple[str, int]] = []
    for lesson in outline.lessons:
        for concept in lesson.key_concepts:
            first = next((number for other, number in known if says_the_same(concept, other, brief.language)), None)
            if first and not of_course.issuperset(content_stems(concept, brief.language)):
                where = f"lessons.{lesson.lesson_number}.key_concepts"
                yield soft("repeated_concept", where, f"lesson {first} introduces {excerpt(concept)} already")
        known += [(concept, lesson.lesson_number) for concept in lesson.key_concepts]


def _course_stems(outline: Outline, brief: CourseBrief) -> frozenset[str]:
    return frozenset(content_stems(f"{brief.topic} {outline.title}", brief.language))


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
    concept_used_early,
    repeated_concept,
    outline_leak,
    outline_html,
    mangled_outline,
    outline_language,
)
