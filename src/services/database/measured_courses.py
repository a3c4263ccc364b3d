"""Courses with their quality figures, for reports."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from sqlalchemy import Connection, RowMapping

from src.services.database.statements import sql


@dataclass(frozen=True, slots=True)
class MeasuredCourse:
    """A course as a row of find_course.sql, with its lessons as rows of lesson_qualities.sql."""

    course: RowMapping
    lessons: Sequence[RowMapping]


def measured_course(connection: Connection, name: str) -> MeasuredCourse | None:
    """Returns the course of that id, folder, request_id or slug; None if there is none."""
    # The name may be a path. In the pattern for its last part no character is special.
    folder = re.sub(r"([\\%_])", r"\\\1", PurePath(name).name)
    course = connection.execute(sql("find_course"), {"name": name, "folder": folder}).mappings().one_or_none()
    if course is None:
        return None
    lessons = connection.execute(sql("lesson_qualities"), {"course_id": course["id"]}).mappings().all()
    return MeasuredCourse(course, lessons)


def worst_courses(connection: Connection, limit: int) -> Sequence[RowMapping]:
    """Returns at most `limit` finished courses, those with the most findings first."""
    return connection.execute(sql("worst_courses"), {"limit": limit}).mappings().all()
