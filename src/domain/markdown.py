"""Markdown of lessons and courses, rendered from the validated structure so that it can't disagree with it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from src.domain.given_course import references
from src.domain.headings import Headings, headings

# What would begin a tag, a comment or a declaration.
_TAG = re.compile(r"<(?=[A-Za-z/!?])")


def lesson_markdown(content: Mapping[str, Any], level: int = 1) -> str:
    """A lesson from its `content_json`; `level` is the depth of its heading.

    Lessons that other programs stored may have `title` and `sections` only: what is absent is left out.
    """
    language = content.get("language")
    fixed = headings(language if isinstance(language, str) else "en")
    title, part, detail = "#" * level, "#" * (level + 1), "#" * (level + 2)
    lines = [f"{title} {fixed.lesson.format(content['lesson_number'], _shown(content['title']))}", ""]
    if content.get("description"):
        lines += [_shown(content["description"]), ""]
    if content.get("learning_objectives"):
        lines += [f"{part} {fixed.objectives}", "", *_bullets(map(_shown, content["learning_objectives"])), ""]
    for section in content.get("sections", ()):
        lines += [f"{part} {section['heading']}", "", section["content"], ""]
    if checks := content.get("checks"):
        lines += [f"{part} {fixed.checks}", ""]
        for number, check in enumerate(checks, start=1):
            lines += [f"{number}. {check['question']}", *_lettered(_choices(check))]
        lines += ["", f"{detail} {fixed.answer_key}", ""]
        lines += [f"{number}. {_answer(check, fixed)}" for number, check in enumerate(checks, start=1)]
        lines += [""]
    if "sources" in content:
        shown = _references(references(content)) or _bullets(map(_one_line, content["sources"]))
        lines += [f"{part} {fixed.sources}", "", *(shown or [fixed.no_sources]), ""]
    if "written_by" in content:
        lines += [f"*{fixed.written_by.format(content['written_by'])}*", ""]
    return "\n".join(lines)


def course_markdown(course: Mapping[str, Any]) -> str:
    """A whole course from the shape of `course.json`."""
    metadata, lessons = course["metadata"], course["lessons"]
    fixed = headings(metadata.get("language") or "en")
    lines = [f"# {_shown(metadata['title'])}", ""]
    if description := course["outline"].get("description"):
        lines += [_shown(description), ""]
    size = fixed.lessons.format(metadata["total_lessons"])
    lines += [f"*{_shown(metadata['topic'])} · {_shown(metadata['grade_level'])} · {size}*", ""]
    lines += [f"## {fixed.contents}", ""]
    lines += [f"{entry['lesson_info']['lesson_number']}. {_shown(entry['lesson_info']['title'])}" for entry in lessons]
    lines += [""]
    lines += [lesson_markdown(entry["content"], level=2) for entry in lessons]
    sources = [_cited_in(source, lessons, fixed) for source in course["all_sources"]]
    lines += [f"## {fixed.all_sources}", "", *(_bullets(sources) or ["–"]), ""]
    return "\n".join(lines)


def _bullets(items: Iterable[str]) -> list[str]:
    return [f"- {item}" for item in items]


def _references(cited: Sequence[Mapping[str, Any]]) -> list[str]:
    # Two spaces at the end keep the lines apart; a list would number them anew.
    return [f"[{reference['number']}] {_place(reference)}: “{_one_line(reference['quote'])}”  " for reference in cited]


def _place(reference: Mapping[str, Any]) -> str:
    return " › ".join(_one_line(reference[name]) for name in ("document", "section") if reference.get(name))


def _one_line(text: str) -> str:
    return _shown(" ".join(text.split())).replace("](", "]\\(")


def _shown(text: str) -> str:
    """What a request, an outline or a source says is shown and never obeyed: no tag, and no image from elsewhere."""
    return _TAG.sub("&lt;", text).replace("![", "!\\[")


def _cited_in(source: str, lessons: Sequence[Mapping[str, Any]], fixed: Headings) -> str:
    numbers = [str(entry["lesson_info"]["lesson_number"]) for entry in lessons if source in entry["sources"]]
    shown = _one_line(source)
    return f"{shown} ({fixed.cited_in.format(', '.join(numbers))})" if numbers else shown


def _choices(check: Mapping[str, Any]) -> Sequence[str]:
    # Other programs may have them by letter.
    choices = check.get("choices") or ()
    return list(choices.values()) if isinstance(choices, Mapping) else choices


def _lettered(choices: Sequence[str]) -> list[str]:
    return [f"   - {chr(ord('A') + index)}. {choice}" for index, choice in enumerate(choices)]


def _answer(check: Mapping[str, Any], fixed: Headings) -> str:
    choices, answer = _choices(check), check.get("answer")
    if not answer:
        return f"*{fixed.no_answer}*"
    letter = f"{chr(ord('A') + choices.index(answer))}. " if answer in choices else ""
    return f"**{letter}{answer}** {check.get('explanation') or ''}".rstrip()
