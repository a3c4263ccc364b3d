"""Markdown of lessons and courses, rendered from the validated structure so that it can't disagree with it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from src.domain.fixed_words import FixedWords, fixed_words
from src.domain.given_course import counted, references

# What would begin a tag, a comment or a declaration.
_TAG = re.compile(r"<(?=[A-Za-z/!?])")


def lesson_markdown(content: Mapping[str, Any]) -> str:
    """A lesson from its `content_json`. Its answer key comes last, so that it can be cut off.

    Lessons that other programs stored may have `title` and `sections` only: what is absent is left out.
    """
    fixed = _fixed(content)
    lines = _lesson(content, level=1)
    if key := _answer_key(content, fixed):
        lines += [f"## {fixed.answer_key}", "", *key, ""]
    return "\n".join(lines)


def course_markdown(course: Mapping[str, Any]) -> str:
    """A whole course from the shape of `course.json`. The answer keys of all lessons come last, as one section."""
    metadata, lessons = course["metadata"], course["lessons"]
    fixed = fixed_words(metadata.get("language") or "en")
    lines = [f"# {_shown(metadata['title'])}", ""]
    if description := course["outline"].get("description"):
        lines += [_shown(description), ""]
    grade, size = fixed.grade_level(metadata["grade_level"]), fixed.lesson_count(metadata["total_lessons"])
    lines += [f"*{_shown(metadata['topic'])} · {_shown(grade)} · {size}*", ""]
    lines += [f"## {fixed.contents}", ""]
    lines += [f"{entry['lesson_info']['lesson_number']}. {_shown(entry['lesson_info']['title'])}" for entry in lessons]
    lines += [""]
    for entry in lessons:
        lines += _lesson(entry["content"], level=2)
    sources = _cited_sources(course["all_sources"], lessons, fixed)
    lines += [f"## {fixed.all_sources}", "", *(_bullets(sources) or ["–"]), ""]
    keys: list[str] = []
    for entry in lessons:
        if key := _answer_key(entry["content"], _fixed(entry["content"])):
            keys += [f"### {_title(entry['content'])}", "", *key, ""]
    if keys:
        lines += [f"## {fixed.answer_key}", "", *keys]
    return "\n".join(lines)


def _fixed(content: Mapping[str, Any]) -> FixedWords:
    language = content.get("language")
    return fixed_words(language if isinstance(language, str) else "en")


def _title(content: Mapping[str, Any]) -> str:
    return _fixed(content).lesson.format(content["lesson_number"], _shown(content["title"]))


def _lesson(content: Mapping[str, Any], level: int) -> list[str]:
    """A lesson without its answer key; `level` is the depth of its heading."""
    fixed, part = _fixed(content), "#" * (level + 1)
    lines = [f"{'#' * level} {_title(content)}", ""]
    if content.get("description"):
        lines += [_shown(content["description"]), ""]
    if objectives := _texts(content.get("learning_objectives")):
        # By number, as the answer key refers to them.
        lines += [f"{part} {fixed.objectives}", ""]
        lines += [f"{number}. {_shown(objective)}" for number, objective in enumerate(objectives, start=1)]
        lines += [""]
    for section in content.get("sections", ()):
        lines += [f"{part} {section['heading']}", "", section["content"], ""]
    if checks := _checks(content):
        lines += [f"{part} {fixed.checks}", ""]
        for number, check in enumerate(checks, start=1):
            lines += _item(number, str(check.get("question") or "–"), _lettered(_choices(check)))
        lines += [""]
    if "sources" in content:
        shown = _references(references(content), fixed) or _bullets(map(_one_line, _texts(content["sources"])))
        lines += [f"{part} {fixed.sources}", "", *(shown or [fixed.no_sources]), ""]
    if "written_by" in content:
        lines += [f"*{fixed.written_by.format(_one_line(str(content['written_by'])))}*", ""]
    return lines


def _answer_key(content: Mapping[str, Any], fixed: FixedWords) -> list[str]:
    objectives = _texts(content.get("learning_objectives"))
    cited = {reference["number"] for reference in references(content)}
    lines: list[str] = []
    for number, check in enumerate(_checks(content), start=1):
        # What it tests and what its answer rests on, as far as that is on record.
        objective, citation = counted(check.get("objective")), counted(check.get("citation"))
        basis = []
        if objective is not None and objective <= len(objectives):
            basis.append(fixed.tests.format(objective, _one_line(objectives[objective - 1])))
        if citation in cited:
            basis.append(fixed.rests_on.format(citation))
        lines += _item(number, _answer(check, fixed), [" · ".join(basis)] if basis else [])
    return lines


def _item(number: int, text: str, details: Iterable[str]) -> list[str]:
    """An item of a numbered list, with a list of its own below. All of it is indented, else it would end the list."""
    marker = f"{number}. "
    indent = " " * len(marker)
    return [marker + text.replace("\n", f"\n{indent}"), *(f"{indent}- {detail}" for detail in details)]


def _bullets(items: Iterable[str]) -> list[str]:
    return [f"- {item}" for item in items]


def _references(cited: Sequence[Mapping[str, Any]], fixed: FixedWords) -> list[str]:
    # Two spaces at the end keep the lines apart; a list would number them anew.
    return [
        f"[{reference['number']}] {_place(reference['document'], reference['title'], reference['section'])}:"
        f" {fixed.quoted.format(_one_line(reference['quote']))}  "
        for reference in cited
    ]


def _place(document: str, *names: str) -> str:
    """A place in a document by the names that a reader knows it by, as far as there are any, and by its path."""
    named = " › ".join(dict.fromkeys(_one_line(name) for name in names if name.strip()))
    return f"{named} ({_one_line(document)})" if named else _one_line(document)


def _one_line(text: str) -> str:
    return _shown(" ".join(text.split())).replace("](", "]\\(")


def _shown(text: str) -> str:
    """What a request, an outline or a source says is shown and never obeyed: no tag, and no image from elsewhere."""
    return _TAG.sub("&lt;", text).replace("![", "!\\[")


def _cited_sources(sources: Iterable[str], lessons: Sequence[Mapping[str, Any]], fixed: FixedWords) -> list[str]:
    cited = [reference for entry in lessons for reference in references(entry["content"])]
    titles = {reference["document"]: reference["title"] for reference in cited}
    shown = []
    for source in sources:
        numbers = [entry["lesson_info"]["lesson_number"] for entry in lessons if source in entry["sources"]]
        where = f" – {fixed.cited_in_lessons(numbers)}" if numbers else ""
        shown.append(_place(source, titles.get(source, "")) + where)
    return shown


def _texts(given: object) -> list[str]:
    """The texts of a list; other programs may have anything there."""
    return [entry for entry in given if isinstance(entry, str)] if isinstance(given, list | tuple) else []


def _checks(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    given = content.get("checks")
    return [check for check in given if isinstance(check, Mapping)] if isinstance(given, list) else []


def _choices(check: Mapping[str, Any]) -> list[str]:
    # Other programs may have them by letter.
    choices = check.get("choices")
    return _texts(list(choices.values()) if isinstance(choices, Mapping) else choices)


def _lettered(choices: Sequence[str]) -> list[str]:
    return [f"{chr(ord('A') + index)}. {' '.join(choice.split())}" for index, choice in enumerate(choices[:26])]


def _answer(check: Mapping[str, Any], fixed: FixedWords) -> str:
    choices, answer = _choices(check), check.get("answer")
    if not answer:
        return f"*{fixed.no_answer}*"
    letter = f"{chr(ord('A') + choices.index(answer))}. " if answer in choices else ""
    explanation = check.get("explanation")
    return f"**{letter}{answer}** – {explanation}" if explanation else f"**{letter}{answer}**"
