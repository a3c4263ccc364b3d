"""`python app.py quality COURSE`: what was measured of a course, as a table."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, RowMapping

from src.config import DatabaseSettings
from src.services.database import Database, sql

# Where output is no terminal, so that no column is cut.
_WIDE = 160


def report(config: DatabaseSettings, name: str) -> str | None:
    """The report on the course of that id, request_id or slug; None where there is none. Raises `DBAPIError`."""

    def work(connection: Connection) -> tuple[RowMapping, Sequence[RowMapping]] | None:
        course = connection.execute(sql("find_course"), {"name": name}).mappings().one_or_none()
        if course is None:
            return None
        return course, connection.execute(sql("lesson_qualities"), {"course_id": course["id"]}).mappings().all()

    database = Database(config)
    try:
        found = asyncio.run(database.run(work))
    finally:
        database.dispose()
    return None if found is None else _rendered(*found)


def _rendered(course: RowMapping, lessons: Sequence[RowMapping]) -> str:
    console = Console(width=None if Console().is_terminal else _WIDE)
    with console.capture() as capture:
        console.print(
            f"{course['title']} · {course['grade_level']} · {course['language']} · {course['status']} · {course['id']}",
            markup=False,
        )
        console.print(_table(lessons))
        for line in _findings(course, lessons):
            console.print(line, markup=False)
        if course["quality"]:
            console.print(_summary(course["quality"]), markup=False)
    return capture.get().rstrip()


def _table(lessons: Sequence[RowMapping]) -> Table:
    table = Table("Lesson", "Words", "Citations", "Removed", "Coverage", "Grade", "Keys", "Hard", "Soft", "Written by")
    for lesson in lessons:
        title, quality = f"{lesson['lesson_number']}. {lesson['title']}", lesson["quality"]
        if quality is None:
            table.add_row(title, *["–"] * 8, "another program")
            continue
        table.add_row(
            title,
            str(quality["words"]),
            f"{quality['citations_verified']} of {quality['citations']}",
            str(quality["citations_removed"]),
            _percent(quality["citation_coverage"]),
            _grade(quality),
            f"{quality['valid_keys']} of {quality['checks']}",
            str(quality["hard_findings"]),
            str(quality["soft_findings"]),
            f"{lesson['written_by']}, prompt {lesson['prompt_version']}" if lesson["prompt_version"] else "–",
        )
    return table


def _findings(course: RowMapping, lessons: Sequence[RowMapping]) -> list[str]:
    lines = [f"Outline: {_finding(found)}" for found in course["outline_findings"]]
    for lesson in lessons:
        number = f"Lesson {lesson['lesson_number']}"
        lines += [f"{number}: {_finding(found)}" for found in (lesson["quality"] or {}).get("findings", ())]
        lines += [f"{number}: cites {document}, which has changed since or is gone" for document in lesson["stale"]]
    return lines


def _finding(found: Mapping[str, str]) -> str:
    place = f"{found['where']}: " if found["where"] else ""
    return f"{found['severity']} {found['gate']}: {place}{found['message']}"


def _summary(quality: Mapping[str, Any]) -> str:
    return (
        f"Citation precision {_percent(quality.get('citation_precision'))},"
        f" coverage {_percent(quality.get('citation_coverage'))};"
        f" reading grade {quality.get('reading_grade') or 'not measured'};"
        f" {quality.get('lessons_with_sources')} lessons with sources,"
        f" {quality.get('lessons_without_sources')} without"
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _grade(quality: Mapping[str, Any]) -> str:
    if quality["reading_grade"] is None:
        return "not measured"
    wanted = f" (wanted {quality['wanted_grade']})" if quality["wanted_grade"] is not None else ""
    return f"{quality['reading_grade']}{wanted}"
