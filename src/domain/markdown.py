"""Markdown of lessons and courses, rendered from what is stored so that it can't disagree with it."""

import re
from collections.abc import Iterable, Sequence

from src.domain.citation import Citation
from src.domain.fixed_words import FixedWords, fixed_words
from src.domain.formulas import delimited
from src.domain.stored_course import StoredCheck, StoredCourse, StoredLesson

# A character that would begin a tag, a comment or a declaration.
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def lesson_markdown(lesson: StoredLesson) -> str:
    """Returns the Markdown of a lesson. A text that was stored for it stands for all but its questions.

    The answer key comes last, so that it can be cut off. What is absent is left out.
    """
    if lesson.content_md is not None:
        if not lesson.checks:
            return lesson.content_md
        lines = [lesson.content_md, "", *_questions(lesson, level=1)]
    else:
        lines = _lesson(lesson, level=1)
    if key := _answer_key(lesson):
        lines += [f"## {_fixed(lesson).answer_key}", "", *key, ""]
    return "\n".join(lines)


def course_markdown(course: StoredCourse) -> str:
    """Returns the Markdown of a whole course. The answer keys of all lessons come last, as one section."""
    fixed = fixed_words(course.language)
    lines = [f"# {_shown(course.title)}", ""]
    if course.description:
        lines += [_shown(course.description), ""]
    grade, size = fixed.grade_level(course.grade_level), fixed.lesson_count(course.total_lessons)
    lines += [f"*{_shown(course.topic)} · {_shown(grade)} · {size}*", ""]
    lines += [f"## {fixed.contents}", ""]
    lines += [f"{lesson.lesson_number}. {_shown(lesson.title)}" for lesson in course.lessons]
    lines += [""]
    for lesson in course.lessons:
        lines += _lesson(lesson, level=2)
    lines += [f"## {fixed.all_sources}", "", *(_bullets(_cited_sources(course, fixed)) or ["–"]), ""]
    keys: list[str] = []
    for lesson in course.lessons:
        if key := _answer_key(lesson):
            keys += [f"### {_title(lesson)}", "", *key, ""]
    if keys:
        lines += [f"## {fixed.answer_key}", "", *keys]
    return "\n".join(lines)


def _fixed(lesson: StoredLesson) -> FixedWords:
    return fixed_words(lesson.language or "en")


def _title(lesson: StoredLesson) -> str:
    return _fixed(lesson).lesson.format(lesson.lesson_number, _shown(lesson.title))


def _lesson(lesson: StoredLesson, level: int) -> list[str]:
    """Returns the lines of a lesson without its answer key; `level` is the depth of its heading, from 1."""
    fixed, part = _fixed(lesson), "#" * (level + 1)
    lines = [f"{'#' * level} {_title(lesson)}", ""]
    if lesson.content_md is not None:
        return [*lines, lesson.content_md, "", *_questions(lesson, level)]
    if lesson.description:
        lines += [_shown(lesson.description), ""]
    if lesson.learning_objectives:
        # They are numbered because the answer key refers to them by number.
        lines += [f"{part} {fixed.objectives}", ""]
        lines += [f"{number}. {_shown(goal)}" for number, goal in enumerate(lesson.learning_objectives, start=1)]
        lines += [""]
    for section in lesson.sections:
        lines += [f"{part} {section.heading}", ""] if section.heading else []
        lines += [section.content, ""]
    lines += _questions(lesson, level)
    if lesson.citations or lesson.sources is not None:
        shown = _reference_list(lesson.citations, fixed) or _bullets(map(_one_line, lesson.sources or ()))
        lines += [f"{part} {fixed.sources}", "", *(shown or [fixed.no_sources]), ""]
    if lesson.written_by is not None:
        lines += [f"*{fixed.written_by.format(_one_line(lesson.written_by))}*", ""]
    return lines


def _questions(lesson: StoredLesson, level: int) -> list[str]:
    """Returns the lines of a lesson's questions, if it has any, below a heading of `level`."""
    if not lesson.checks:
        return []
    lines = [f"{'#' * (level + 1)} {_fixed(lesson).checks}", ""]
    for number, check in enumerate(lesson.checks, start=1):
        lines += _item(number, check.question or "–", _lettered(check.choices or ()))
    return [*lines, ""]


def _answer_key(lesson: StoredLesson) -> list[str]:
    fixed, objectives = _fixed(lesson), lesson.learning_objectives
    lines: list[str] = []
    for number, check in enumerate(lesson.checks, start=1):
        # The basis is what the question tests and what its answer rests on, as far as that is on record.
        basis = []
        if check.objective is not None and check.objective <= len(objectives):
            basis.append(fixed.tests.format(check.objective, _one_line(objectives[check.objective - 1])))
        if check.citation is not None:
            basis.append(fixed.rests_on.format(check.citation))
        lines += _item(number, _answer(check, fixed), [" · ".join(basis)] if basis else [])
    return lines


def _item(number: int, text: str, details: Iterable[str]) -> list[str]:
    """Returns an item of a numbered list, with a list of `details` in it. Lines that were not indented would end it."""
    marker = f"{number}. "
    indent = " " * len(marker)
    return [marker + text.replace("\n", f"\n{indent}"), *(f"{indent}- {detail}" for detail in details)]


def _bullets(items: Iterable[str]) -> list[str]:
    return [f"- {item}" for item in items]


def _reference_list(cited: Iterable[Citation], fixed: FixedWords) -> list[str]:
    # Two spaces at the end keep the lines apart; a list would number them anew.
    return [
        f"[{citation.number}] {_place(citation.document, citation.title, citation.section)}:"
        f" {fixed.quoted.format(_one_line(citation.quote))}  "
        for citation in cited
    ]


def _place(document: str, *names: str) -> str:
    """Returns the names that a reader knows a place in a document by, if there are any, and the document's path."""
    named = " › ".join(dict.fromkeys(_one_line(name) for name in names if name.strip()))
    return f"{named} ({_one_line(document)})" if named else _one_line(document)


def _one_line(text: str) -> str:
    return _shown(" ".join(text.split())).replace("](", "]\\(")


def _shown(text: str) -> str:
    """Returns the words of a request, an outline or a source so that they make no tag and load no image."""
    spans = delimited(text)

    def harmless(sign: re.Match[str]) -> str:
        # In a formula, an entity is no sign, but a blank changes nothing.
        return "< " if any(start < sign.start() < end for start, end in spans) else "&lt;"

    return _TAG.sub(harmless, text).replace("![", "!\\[")


def _cited_sources(course: StoredCourse, fixed: FixedWords) -> list[str]:
    titles = {citation.document: citation.title for lesson in course.lessons for citation in lesson.citations}
    shown = []
    for source in course.sources:
        numbers = [lesson.lesson_number for lesson in course.lessons if source in (lesson.sources or ())]
        where = f" – {fixed.cited_in_lessons(numbers)}" if numbers else ""
        shown.append(_place(source, titles.get(source, "")) + where)
    return shown


def _lettered(choices: Sequence[str]) -> list[str]:
    return [f"{letter}. {' '.join(choice.split())}" for letter, choice in zip(_LETTERS, choices, strict=False)]


def _answer(check: StoredCheck, fixed: FixedWords) -> str:
    if not check.answer:
        return f"*{fixed.no_answer}*"
    letter = f"{chr(ord('A') + check.key - 1)}. " if check.key else ""
    told = f"**{letter}{check.answer}**"
    return f"{told} – {check.explanation}" if check.explanation else told
