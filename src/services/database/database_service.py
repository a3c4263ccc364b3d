"""`DatabaseService`: the database API that code written for the original service imports.

It manages courses that the calling program writes itself: they are inserted as GENERATING, have no queue row, and are
never claimed, rescued or reported by a worker. Ids go in and come out as strings.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast
from uuid import UUID

from psycopg2 import InterfaceError
from psycopg2.extensions import new_type, register_type
from psycopg2.extras import Json, RealDictCursor, RealDictRow
from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection

from src.config import DatabaseSettings
from src.domain.given_course import (
    check_columns,
    course_quality,
    lesson_quality,
    origin_columns,
    outline_findings,
    references,
    text,
)
from src.domain.markdown import lesson_markdown
from src.services.database.connection import create_pool

Id = str | UUID


class DatabaseService:
    """Courses and lessons by plain calls. Every method raises `psycopg2.Error` when the database refuses."""

    def __init__(self, config: DatabaseSettings) -> None:
        self._config = config
        self._engine: Engine | None = None

    def connect(self) -> None:
        """Connects, and so finds out now whether the database can be reached."""
        if self._engine is None:
            # Without the worker's time-outs: how long a block may take is up to the calling program.
            self._engine = create_pool(self._config, "course-generator-api", limits="")
            event.listen(self._engine, "connect", _hand_out_ids_as_strings)
        self._engine.raw_connection().close()

    def disconnect(self) -> None:
        """Closes all connections. `connect()` opens new ones."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    @contextmanager
    def get_cursor(self) -> Iterator[RealDictCursor]:
        """A cursor whose rows are dicts. Commits when the block ends, rolls back when it raises."""
        if self._engine is None:
            self.connect()
        connection = cast(Engine, self._engine).raw_connection()
        try:
            cursor = connection.cursor(cursor_factory=RealDictCursor)
            yield cast(RealDictCursor, cursor)
            cursor.close()
            connection.commit()
        except BaseException:
            with suppress(InterfaceError):  # the connection is gone, and the transaction with it
                connection.rollback()
            raise
        finally:
            connection.close()

    def create_course(
        self,
        user_id: Id,
        title: str,
        topic: str,
        grade_level: str,
        total_lessons: int,
        source_filter: str | None = None,
        outline_json: dict[str, Any] | None = None,
    ) -> str:
        """Inserts a course as GENERATING, owned by the caller, and returns its id."""
        return self._insert(
            """
            INSERT INTO courses (user_id, title, topic, grade_level, total_lessons, source_filter, outline_json, status)
            VALUES (%s, %s, %s, %s, %s, %s, %s, 'GENERATING') RETURNING id
            """,
            (str(user_id), title, topic, grade_level, total_lessons, source_filter, _json(outline_json)),
        )

    def update_course_status(self, course_id: Id, status: str, error_message: str | None = None) -> None:
        """Moves the course on. An illegal move raises `psycopg2.errors.CheckViolation`."""
        with self.get_cursor() as cursor:
            cursor.execute(
                "UPDATE courses SET status = %s, error_message = %s WHERE id = %s",
                (str(status), error_message, str(course_id)),
            )

    def create_lesson(
        self,
        course_id: Id,
        lesson_number: int,
        title: str,
        description: str | None = None,
        key_concepts: Sequence[str] | None = None,
        learning_objectives: Sequence[str] | None = None,
        sources: Sequence[str] | None = None,
    ) -> str:
        """Inserts a lesson and returns its id."""
        return self._insert(
            """
            INSERT INTO lessons (course_id, lesson_number, title, description, key_concepts, learning_objectives,
                                 sources, generated_at)
            VALUES (%s, %s, %s, %s, %s::text[], %s::text[], %s::text[], now()) RETURNING id
            """,
            (
                str(course_id),
                lesson_number,
                title,
                description,
                list(key_concepts or ()),
                list(learning_objectives or ()),
                list(sources or ()),
            ),
        )

    def save_lesson_body(self, lesson_id: Id, content_md: str, content_json: dict[str, Any] | None = None) -> None:
        """Inserts or replaces the text of a lesson."""
        with self.get_cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO lesson_bodies (lesson_id, content_md, content_json) VALUES (%s, %s, %s)
                ON CONFLICT (lesson_id) DO UPDATE
                SET content_md = excluded.content_md, content_json = excluded.content_json
                """,
                (str(lesson_id), content_md, _json(content_json)),
            )

    def save_complete_course(self, user_id: Id, course_data: dict[str, Any]) -> str:
        """Saves a course of the shape of `course.json` as READY and returns its id.

        What is optional in that shape is left out where it is of another type than the worker's own.
        If saving its lessons fails, the course is left FAILED with the error, and the error is raised.
        """
        metadata, lessons = course_data["metadata"], course_data["lessons"]
        course_id = self.create_course(
            user_id,
            metadata["title"],
            metadata["topic"],
            metadata["grade_level"],
            metadata.get("total_lessons", len(lessons)),
            metadata.get("source_filter"),
            course_data.get("outline"),
        )
        try:
            for entry in lessons:
                self._save_lesson(course_id, entry)
            with self.get_cursor() as cursor:
                cursor.execute(
                    """
                    UPDATE courses
                    SET status = 'READY', generated_at = %s, sources = %s::text[], language = coalesce(%s, language),
                        quality = %s, outline_findings = %s
                    WHERE id = %s
                    """,
                    (
                        metadata.get("generated_at"),
                        list(course_data.get("all_sources", ())),
                        text(metadata.get("language")),
                        _json(course_quality(metadata.get("quality"))),
                        Json(outline_findings(course_data.get("outline_findings"))),
                        course_id,
                    ),
                )
        except Exception as error:
            self.update_course_status(course_id, "FAILED", f"{type(error).__name__}: {error}")
            raise
        return course_id

    def get_course(self, course_id: Id) -> dict[str, Any] | None:
        """The row of `courses`, or None."""
        with self.get_cursor() as cursor:
            cursor.execute("SELECT * FROM courses WHERE id = %s", (str(course_id),))
            row = cursor.fetchone()
        return None if row is None else dict(row)

    def get_course_lessons(self, course_id: Id) -> list[dict[str, Any]]:
        """The lessons with their bodies (`v_lessons_full`), in order."""
        with self.get_cursor() as cursor:
            cursor.execute(
                "SELECT * FROM v_lessons_full WHERE course_id = %s ORDER BY lesson_number", (str(course_id),)
            )
            return [dict(row) for row in cursor.fetchall()]

    def _save_lesson(self, course_id: str, entry: dict[str, Any]) -> None:
        info, content = entry["lesson_info"], entry["content"]
        lesson_id = self.create_lesson(
            course_id,
            info["lesson_number"],
            info["title"],
            info.get("description"),
            info.get("key_concepts"),
            info.get("learning_objectives"),
            entry.get("sources"),
        )
        if isinstance(content, str):
            self.save_lesson_body(lesson_id, content)
            return
        content = {**info, **content}
        self.save_lesson_body(lesson_id, lesson_markdown(content), content)
        with self.get_cursor() as cursor:
            cursor.execute(
                """
                UPDATE lessons
                SET quality = %(quality)s, written_by = %(written_by)s, prompt_version = %(prompt_version)s,
                    prompt_digest = %(prompt_digest)s
                WHERE id = %(lesson_id)s
                """,
                {
                    "lesson_id": lesson_id,
                    "quality": _json(lesson_quality(entry.get("quality"))),
                    **origin_columns(entry),
                },
            )
            for number, check in enumerate(content.get("checks", ()), start=1):
                cursor.execute(_INSERT_CHECK, {"lesson_id": lesson_id, "q_order": number, **check_columns(check)})
            for reference in references(content):
                cursor.execute(_INSERT_CITATION, {"lesson_id": lesson_id, **reference})

    def _insert(self, statement: str, values: tuple[Any, ...]) -> str:
        with self.get_cursor() as cursor:
            cursor.execute(statement, values)
            row = cast(RealDictRow, cursor.fetchone())
        return str(row["id"])


_INSERT_CHECK = """
    INSERT INTO lesson_checks (lesson_id, q_order, question, answer, kind, choices, key, explanation, evidence,
                               objective, citation)
    VALUES (%(lesson_id)s, %(q_order)s, %(question)s, %(answer)s, %(kind)s, %(choices)s::text[], %(key)s,
            %(explanation)s, %(evidence)s, %(objective)s, %(citation)s)
"""
_INSERT_CITATION = """
    INSERT INTO lesson_citations (lesson_id, number, document, section, start_offset, end_offset, quote, score,
                                  document_version)
    VALUES (%(lesson_id)s, %(number)s, %(document)s, %(section)s, %(start)s, %(end)s, %(quote)s, %(score)s,
            %(version)s)
"""


# The oid of type uuid, which never changes: https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat
_TEXT_ID = new_type((2950,), "TEXT_ID", lambda value, _cursor: value)


def _hand_out_ids_as_strings(connection: DBAPIConnection, _record: object) -> None:
    # As plain psycopg2 does, and so the original service did; SQLAlchemy makes them UUID objects.
    register_type(_TEXT_ID, cast(Any, connection))


def _json(value: dict[str, Any] | None) -> Json | None:
    return None if value is None else Json(value)
