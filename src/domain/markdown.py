"""Markdown of lessons and courses, rendered from the validated structure so that it can't disagree with it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def lesson_markdown(content: Mapping[str, Any], level: int = 1) -> str:
    """A lesson from its `content_json`; `level` is the depth of its heading.

    Lessons that other programs stored may have `title` and `sections` only: what is absent is left out.
    """
    title, part, detail = "#" * level, "#" * (level + 1), "#" * (level + 2)
    lines = [f"{title} Lesson {content['lesson_number']}: {content['title']}", ""]
    if content.get("description"):
        lines += [content["description"], ""]
    if content.get("learning_objectives"):
        lines += [f"{part} Learning Objectives", "", *_bullets(content["learning_objectives"]), ""]
    for section in content.get("sections", ()):
        lines += [f"{part} {section['heading']}", "", section["content"], ""]
    if checks := content.get("checks"):
        lines += [f"{part} Check Your Understanding", ""]
        for number, check in enumerate(checks, start=1):
            lines += [f"{number}. {check['question']}", *_lettered(check.get("choices"))]
        lines += ["", f"{detail} Answer Key", ""]
        lines += [f"{number}. {_answer(check)}" for number, check in enumerate(checks, start=1)]
        lines += [""]
    if "sources" in content:
        sources = _bullets(content["sources"]) or ["This lesson rests on no source documents."]
        lines += [f"{part} Sources", "", *sources, ""]
    if "written_by" in content:
        lines += [f"*Written by the model: {content['written_by']}*", ""]
    return "\n".join(lines)


def course_markdown(course: Mapping[str, Any]) -> str:
    """A whole course from the shape of `course.json`."""
    metadata, lessons = course["metadata"], course["lessons"]
    lines = [f"# {metadata['title']}", ""]
    if description := course["outline"].get("description"):
        lines += [description, ""]
    lines += [f"*{metadata['topic']} · {metadata['grade_level']} · {metadata['total_lessons']} lessons*", ""]
    lines += ["## Contents", ""]
    lines += [f"{entry['lesson_info']['lesson_number']}. {entry['lesson_info']['title']}" for entry in lessons]
    lines += [""]
    lines += [lesson_markdown(entry["content"], level=2) for entry in lessons]
    lines += ["## All Sources", "", *(_bullets(course["all_sources"]) or ["No source documents."]), ""]
    return "\n".join(lines)


def _bullets(items: Iterable[str]) -> list[str]:
    return [f"- {item}" for item in items]


def _lettered(choices: Sequence[str] | None) -> list[str]:
    return [f"   - {chr(ord('A') + index)}. {choice}" for index, choice in enumerate(choices or ())]


def _answer(check: Mapping[str, Any]) -> str:
    choices, answer = check.get("choices") or (), check.get("answer")
    if not answer:
        return "*No answer is on record.*"
    letter = f"{chr(ord('A') + choices.index(answer))}. " if answer in choices else ""
    return f"**{letter}{answer}** {check.get('explanation') or ''}".rstrip()
