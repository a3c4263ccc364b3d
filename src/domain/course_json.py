"""JSON and rows, made of a `StoredLesson` or a `StoredCourse`, and read back into these.

Other programs store in the same places, in any shape: what these types refuse is left to `foreign_course`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import ValidationError

from src.domain.foreign_course import foreign_course, foreign_lesson, plain_json, text_if_any
from src.domain.language_tag import direction
from src.domain.markdown import lesson_markdown
from src.domain.quality_figures import findings_json
from src.domain.stored_course import BESIDE_CONTENT, LESSON_COLUMNS, StoredCheck, StoredCourse, StoredLesson

_PLAN = ("lesson_number", "title", "description", "key_concepts", "learning_objectives")
# `content_json` isn't needed for these alone, as columns have them too.
_IN_COLUMNS = frozenset({*_PLAN, "sources", "written_by"})


def content_json(lesson: StoredLesson) -> dict[str, Any] | None:
    """Returns the value of `lesson_bodies.content_json`; None if the lesson is a text and no more."""
    plan = lesson.model_dump(mode="json", include=set(_PLAN))
    content = lesson.model_dump(mode="json", exclude_unset=True, exclude=set(BESIDE_CONTENT))
    content = {**plan, **content, **lesson.namesakes}
    if lesson.content_md is not None and not any(content[name] for name in content.keys() - _IN_COLUMNS):
        return None
    return content


def lesson_record(lesson: StoredLesson, course_id: UUID, lesson_id: UUID) -> dict[str, Any]:
    """Returns the record that save_lesson.sql takes: the columns of `lessons`, the body, citations and questions."""
    values = lesson.model_dump(mode="json")
    record = {
        **{name: values[name] for name in LESSON_COLUMNS},
        "id": str(lesson_id),
        "course_id": str(course_id),
        "sources": values["sources"] or [],
        # A text of its own is kept as it is: its questions are in the JSON, and are shown after it.
        "content_md": lesson_markdown(lesson) if lesson.content_md is None else lesson.content_md,
        "content_json": content_json(lesson),
        "references": values["references"],
        "checks": [
            {"q_order": number, **{name: check[name] for name in StoredCheck.model_fields}}
            for number, check in enumerate(values["checks"], start=1)
        ],
    }
    return {name: value for name, value in record.items() if value is not None}


def lesson_of_row(row: Mapping[str, Any]) -> StoredLesson:
    """Returns the lesson of a row of stored_lessons.sql. A column goes before the same key of `content_json`."""
    content, text = row["content_json"], row["content_md"]
    given = _content(content) if isinstance(content, Mapping) else {}
    given |= _said({name: row[name] for name in StoredLesson.model_fields.keys() & row.keys() - {"content_md"}})
    return _with_text(_lesson(given), text)


def course_of_row(row: Mapping[str, Any], lessons: Sequence[StoredLesson]) -> StoredCourse:
    """Returns the course of a row of stored_course.sql, with its lessons."""
    columns = {name: row[name] for name in StoredCourse.model_fields.keys() & row.keys()}
    return _course({**_said({**columns, "outline": row["outline_json"]}), "lessons": lessons})


def course_json(course: StoredCourse) -> dict[str, Any]:
    """Returns the content of `course.json`."""
    lessons = [_lesson_json(lesson) for lesson in course.lessons]
    return {
        "metadata": {
            "course_id": str(course.id),
            "user_id": str(course.user_id),
            "request_id": course.request_id,
            "title": course.title,
            "topic": course.topic,
            "grade_level": course.grade_level,
            "source_filter": course.source_filter,
            "language": course.language,
            "direction": direction(course.language),
            "total_lessons": course.total_lessons,
            "generated_at": course.generated_at.isoformat() if course.generated_at else None,
            "usage": course.usage,
            "quality": quality_json(course),
        },
        "outline": dict(course.outline),
        "outline_findings": findings_json(course.outline_findings),
        "lessons": lessons,
        "all_sources": list(course.sources),
        "all_references": [
            {"lesson_number": lesson.lesson_number, **reference}
            for lesson in course.lessons
            for reference in lesson.model_dump(mode="json", include={"citations"})["references"]
        ],
    }


def quality_json(course: StoredCourse) -> dict[str, Any] | None:
    """Returns the value of `courses.quality`; None if nothing was measured."""
    return (course.quality.model_dump(exclude_unset=True) or None) if course.quality else None


class CourseHead(NamedTuple):
    """The arguments of `DatabaseService.create_course` that follow the user, in its order."""

    title: str
    topic: str
    grade_level: str
    total_lessons: int
    source_filter: str | None
    outline_json: dict[str, Any] | None


def head_of_json(course_data: Mapping[str, Any]) -> CourseHead:
    """Returns the head of a course that has the shape of `course.json`. Raises `LookupError` if a key is missing."""
    metadata = course_data["metadata"]
    return CourseHead(
        metadata["title"],
        metadata["topic"],
        metadata["grade_level"],
        metadata.get("total_lessons", len(course_data["lessons"])),
        metadata.get("source_filter"),
        course_data.get("outline"),
    )


def course_of_json(course_data: Mapping[str, Any], course_id: UUID, user_id: UUID) -> StoredCourse:
    """Returns the course of data in the shape of `course.json`, under these ids, which need not be its own.

    Raises `LookupError`, `TypeError` or `ValueError` if one of its lessons has no number, title or content.
    """
    data = plain_json(course_data)
    given = {
        **data["metadata"],
        "outline": data.get("outline"),
        "outline_findings": data.get("outline_findings"),
        "total_lessons": head_of_json(data).total_lessons,
        "sources": data.get("all_sources"),
    }
    lessons = [_lesson_of_json(number, entry) for number, entry in enumerate(data["lessons"], start=1)]
    return _course({**_said(given), "id": course_id, "user_id": user_id, "lessons": lessons})


def _lesson_json(lesson: StoredLesson) -> dict[str, Any]:
    values = lesson.model_dump(mode="json")
    content, text = content_json(lesson), lesson.content_md
    return {
        "lesson_info": {name: values[name] for name in _PLAN},
        "content": text if content is None else content,
        **({} if content is None or text is None else {"content_md": text}),
        "sources": values["sources"] or [],
        "generated_at": lesson.generated_at.isoformat() if lesson.generated_at else None,
        "quality": values["quality"],
        "origin": {
            "model": lesson.written_by,
            "prompt_version": lesson.prompt_version,
            "prompt_digest": lesson.prompt_digest,
        },
    }


def _lesson_of_json(number: int, entry: Mapping[str, Any]) -> StoredLesson:
    content, info, origin = entry["content"], entry["lesson_info"], entry.get("origin")
    parts, text = ({}, content) if isinstance(content, str) else (content, text_if_any(entry.get("content_md")))
    given = _content({**info, **parts, **_said(info)})
    beside = {name: entry.get(name) for name in ("sources", "generated_at", "quality")}
    if isinstance(origin, Mapping):
        beside |= {name: origin.get(name) for name in ("prompt_version", "prompt_digest")}
        beside["written_by"] = text_if_any(origin.get("model"))  # if it is none, the content's counts
    try:
        return _with_text(_lesson({**given, **_said(beside)}), text)
    except ValueError as error:
        raise ValueError(f"lessons.{number}: {error}") from None


def _content(given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns another program's `content_json`, keyed by the fields of a `StoredLesson`."""
    own = {name: value for name, value in given.items() if name not in BESIDE_CONTENT}
    return {**own, "namesakes": {name: value for name, value in given.items() if name in BESIDE_CONTENT}}


def _with_text(lesson: StoredLesson, text: str | None) -> StoredLesson:
    """Returns the lesson with the text that is stored for it, unless that was rendered from its parts."""
    if text is None or lesson.sections or text == lesson_markdown(lesson):
        return lesson
    return lesson.model_copy(update={"content_md": text})


def _said(given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns `given` without None and empty lists, which say nothing."""
    return {name: value for name, value in given.items() if value is not None and value != []}


def _lesson(given: Mapping[str, Any]) -> StoredLesson:
    try:
        return StoredLesson.model_validate(given)
    except ValidationError:
        return foreign_lesson(given)


def _course(given: Mapping[str, Any]) -> StoredCourse:
    try:
        return StoredCourse.model_validate(given)
    except ValidationError:
        return foreign_course(given)
