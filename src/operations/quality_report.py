"""`python app.py quality [COURSE]`: shows what was measured of one course, or of all courses, as a table."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, RowMapping

from src.config import DatabaseSettings
from src.domain.text import shown
from src.services.database.connection import Database
from src.services.database.measured_courses import measured_course, worst_courses

T = TypeVar("T")

# The columns of output that goes to no terminal: enough for every column of the tables.
_WIDE = 160


def report(config: DatabaseSettings, name: str) -> str | None:
    """Returns the report on the course with that id, folder, request_id or slug; None if there is none.

    Raises `DBAPIError`.
    """
    found = _from_database(config, lambda connection: measured_course(connection, name))
    return None if found is None else _rendered(found.course, found.lessons)


def overview(config: DatabaseSettings, limit: int) -> str:
    """Returns a table of the finished courses, the worst first, at most `limit` of them. Raises `DBAPIError`."""
    courses = _from_database(config, lambda connection: worst_courses(connection, limit))
    if not courses:
        return "No course is finished yet."
    table = Table("Course", "Hard", "Soft", "Coverage", "Removed", "Hardest", "Keys", "No sources", "Id")
    # The id must stay whole, as it is there to be copied.
    table.columns[-1].no_wrap = True
    for course in courses:
        keys = f"{_figure(course, 'valid_keys')} of {_figure(course, 'checks')}"
        table.add_row(
            shown(course["title"]),
            _figure(course, "hard_findings"),
            _figure(course, "soft_findings"),
            _percent(course["citation_coverage"]),
            _figure(course, "citations_removed"),
            _figure(course, "hardest_reading_grade"),
            keys,
            _figure(course, "lessons_without_sources"),
            str(course["course_id"]),
        )
    console = _console()
    with console.capture() as capture:
        console.print(table)
        if (more := courses[0]["finished"] - len(courses)) > 0:
            console.print(f"Finished besides these: {more}; --limit shows more")
        console.print("To see what was found in a course: `quality` and its id")
    return capture.get().rstrip()


def _from_database(config: DatabaseSettings, work: Callable[[Connection], T]) -> T:
    database = Database(config)
    try:
        return asyncio.run(database.run(work))
    finally:
        database.dispose()


def _console() -> Console:
    # Titles and findings were written by others, and nothing in them may count as markup.
    return Console(width=None if Console().is_terminal else _WIDE, markup=False, emoji=False, highlight=False)


def _rendered(course: RowMapping, lessons: Sequence[RowMapping]) -> str:
    console = _console()
    with console.capture() as capture:
        names = ("title", "grade_level", "language", "status", "id")
        console.print(shown(" · ".join(str(course[name]) for name in names)))
        if course["status"] == "FAILED":
            console.print(shown(f"{course['error_code']}: {course['error_message']}"))
        console.print(_table(lessons))
        for line in _findings(course, lessons):
            console.print(shown(line))
        if quality := _object(course["quality"]):
            console.print(_summary(quality))
        if course["others"]:
            console.print(f"Others with that name: {course['others']}; give the id of the one that you mean")
    return capture.get().rstrip()


def _table(lessons: Sequence[RowMapping]) -> Table:
    table = Table("Lesson", "Words", "Citations", "Removed", "Coverage", "Grade", "Keys", "Hard", "Soft", "Written by")
    for lesson in lessons:
        title = shown(f"{lesson['lesson_number']}. {lesson['title']}")
        if lesson["quality"] is None:
            table.add_row(title, *["–"] * 8, "another program")
            continue
        quality = _object(lesson["quality"])
        table.add_row(
            title,
            _figure(quality, "words"),
            f"{_figure(quality, 'citations_verified')} of {_figure(quality, 'citations')}",
            _figure(quality, "citations_removed"),
            _percent(quality.get("citation_coverage")),
            _grade(quality),
            f"{_figure(quality, 'valid_keys')} of {_figure(quality, 'checks')}",
            _figure(quality, "hard_findings"),
            _figure(quality, "soft_findings"),
            _origin(lesson),
        )
    return table


def _origin(lesson: RowMapping) -> str:
    written_by, version = lesson["written_by"], lesson["prompt_version"]
    return shown(f"{written_by}, prompt {version}") if version else "–"


def _findings(course: RowMapping, lessons: Sequence[RowMapping]) -> list[str]:
    lines = [f"Outline: {_finding(found)}" for found in _objects(course["outline_findings"])]
    for lesson in lessons:
        number = f"Lesson {lesson['lesson_number']}"
        quality = _object(lesson["quality"])
        if quality.get("passages") and quality.get("passages_fitting") == 0:
            lines.append(f"{number}: no passage fits it; it rests on the first ones under the source_filter")
        found_there = _objects(quality.get("findings"))
        lines += [f"{number}: {_finding(found)}" for found in found_there]
        lines += [f"{number}: what it cites has changed since: {document}" for document in lesson["stale"]]
    return lines


def _finding(found: Mapping[str, Any]) -> str:
    place = f"{found['where']}: " if found.get("where") else ""
    return f"{found.get('severity', '–')} {found.get('gate', '–')}: {place}{found.get('message', '–')}"


def _summary(quality: Mapping[str, Any]) -> str:
    return (
        f"Citation precision {_percent(quality.get('citation_precision'))},"
        f" coverage {_percent(quality.get('citation_coverage'))};"
        f" reading grade {quality.get('reading_grade') or 'not measured'};"
        f" {_figure(quality, 'lessons_with_sources')} lessons with sources,"
        f" {_figure(quality, 'lessons_without_sources')} without;"
        f" {_figure(quality, 'tokens')} tokens, {_figure(quality, 'repair_tokens')} of them for repairs."
        f"\nChecked by rules: {_named(quality, 'checked_by_rules')}; not checked: {_named(quality, 'not_checked')}"
    )


def _percent(share: object) -> str:
    return f"{share:.0%}" if isinstance(share, int | float | Decimal) else "–"


def _grade(quality: Mapping[str, Any]) -> str:
    if "reading_grade" not in quality:
        return "–"
    if quality["reading_grade"] is None:
        return "not measured"
    wanted = f" (wanted {quality['wanted_grade']})" if quality.get("wanted_grade") is not None else ""
    return f"{quality['reading_grade']}{wanted}"


# Other programs may store a quality too, of any shape: these four read what they can of it.


def _named(quality: Mapping[str, Any], name: str) -> str:
    found = quality.get(name)
    return ", ".join(str(it).replace("_", " ") for it in found) if isinstance(found, list) and found else "–"


def _figure(quality: Mapping[str, Any] | RowMapping, name: str) -> str:
    value = quality.get(name)
    return str(value) if isinstance(value, int | float | Decimal) else "–"


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
