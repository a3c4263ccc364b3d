"""`DatabaseService`: the database API that code written for the original service imports.

It manages courses that the calling program writes itself: they are inserted as GENERATING, have no queue row, and are
never claimed, rescued or reported by a worker. Ids go in and come out as strings.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast
from uuid import UUID, uuid4

import psycopg2
from psycopg2.extensions import new_type, register_type
from psycopg2.extras import Json, RealDictCursor, RealDictRow
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError

from src.config import DatabaseSettings
from src.domain.course_json import course_of_json, head_of_json, quality_json
from src.domain.quality_figures import findings_json
from src.domain.stored_course import StoredCourse
from src.services.database.connection import create_pool
from src.services.database.course_store import put_lesson
from src.services.database.statements import sql

Id = str | UUID


class DatabaseService:
    """Stores and reads courses and lessons. Every method raises `psycopg2.Error` if the database refuses."""

    def __init__(self, config: DatabaseSettings) -> None:
        self._config = config
        self._engine: Engine | None = None

    def connect(self) -> None:
        """Connects at once, and so raises here if the database can't be reached."""
        if self._engine is None:
            # Without the worker's time-outs: how long a block may take is up to the calling program.
            self._engine = create_pool(self._config, "course-generator-api", limits={})
            event.listen(self._engine, "connect", _hand_out_ids_as_strings)
        self._engine.raw_connection().close()

    def disconnect(self) -> None:
        """Closes all connections. `connect()` opens new ones."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    @contextmanager
    def get_cursor(self) -> Iterator[RealDictCursor]:
        """Yields a cursor whose rows are dicts. Commits when the block ends; rolls back if it raises."""
        connection = self._pool().raw_connection()
        try:
            cursor = connection.cursor(cursor_factory=RealDictCursor)
            yield cast(RealDictCursor, cursor)
            cursor.close()
            connection.commit()
        except BaseException:
            with suppress(psycopg2.InterfaceError):  # the connection is gone, and the transaction with it
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
            INSERT INTO public.courses (user_id, title, topic, grade_level, total_lessons, source_filter, outline_json,
                                        status)
            VALUES (%s, %s, %s, %s, %s, %s, %s, 'GENERATING') RETURNING id
            """,
            (str(user_id), title, topic, grade_level, total_lessons, source_filter, _json(outline_json)),
        )

    def update_course_status(self, course_id: Id, status: str, error_message: str | None = None) -> None:
        """Sets the status of a course. Raises `psycopg2.errors.CheckViolation` if the move is illegal."""
        with self.get_cursor() as cursor:
            cursor.execute(
                "UPDATE public.courses SET status = %s, error_message = %s WHERE id OPERATOR(pg_catalog.=) %s",
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
            INSERT INTO public.lessons (course_id, lesson_number, title, description, key_concepts, learning_objectives,
                                        sources, generated_at)
            VALUES (%s, %s, %s, %s, %s::pg_catalog.text[], %s::pg_catalog.text[],
                    %s::pg_catalog.text[], pg_catalog.now()) RETURNING id
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
                INSERT INTO public.lesson_bodies (lesson_id, content_md, content_json) VALUES (%s, %s, %s)
                ON CONFLICT (lesson_id) DO UPDATE
                SET content_md = excluded.content_md, content_json = excluded.content_json
                """,
                (str(lesson_id), content_md, _json(content_json)),
            )

    def save_complete_course(self, user_id: Id, course_data: dict[str, Any]) -> str:
        """Saves a course of the shape of `course.json` as READY and returns its id.

        An optional part of that shape is left out if its type is not the one that the worker writes.
        If saving its lessons fails, the course is left FAILED with the error and without them, and the error is raised.
        """
        course_id = self.create_course(user_id, *head_of_json(course_data))
        try:
            self._finish(course_of_json(course_data, UUID(course_id), UUID(str(user_id))))
        except Exception as error:
            self.update_course_status(course_id, "FAILED", f"{type(error).__name__}: {error}")
            raise
        return course_id

    def get_course(self, course_id: Id) -> dict[str, Any] | None:
        """Returns the row of `courses`, by column; None if there is no such course."""
        with self.get_cursor() as cursor:
            cursor.execute("SELECT * FROM public.courses WHERE id OPERATOR(pg_catalog.=) %s", (str(course_id),))
            row = cursor.fetchone()
        return None if row is None else dict(row)

    def get_course_lessons(self, course_id: Id) -> list[dict[str, Any]]:
        """Returns the lessons of a course with their bodies, in order: rows of `v_lessons_full`, by column."""
        with self.get_cursor() as cursor:
            cursor.execute(
                "SELECT * FROM public.v_lessons_full WHERE course_id OPERATOR(pg_catalog.=) %s ORDER BY lesson_number",
                (str(course_id),),
            )
            return [dict(row) for row in cursor.fetchall()]

    def _finish(self, course: StoredCourse) -> None:
        """Saves the lessons and makes the course READY."""
        quality = quality_json(course)
        values = {
            "course_id": course.id,
            "generated_at": course.generated_at,
            "sources": list(course.sources),
            "language": course.language,
            "quality": None if quality is None else json.dumps(quality),
            "outline_findings": json.dumps(findings_json(course.outline_findings)),
        }
        with self._transaction() as connection:
            for lesson in course.lessons:
                # With a new id: a second lesson of the same number is then refused rather than passed over.
                put_lesson(connection, course.id, lesson, uuid4())
            connection.execute(sql("ready_given_course"), values)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Yields a connection for the statements that workers use too. Raises `psycopg2.Error`, as a cursor does."""
        try:
            with self._pool().begin() as connection:
                yield connection
        except DBAPIError as error:
            raise cast(psycopg2.Error, error.orig) from None

    def _pool(self) -> Engine:
        if self._engine is None:
            self.connect()
        return cast(Engine, self._engine)

    def _insert(self, statement: str, values: tuple[Any, ...]) -> str:
        with self.get_cursor() as cursor:
            cursor.execute(statement, values)
            row = cast(RealDictRow, cursor.fetchone())
        return str(row["id"])


# The oid of type uuid, which never changes: https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat
_TEXT_ID = new_type((2950,), "TEXT_ID", lambda value, _cursor: value)


def _hand_out_ids_as_strings(connection: DBAPIConnection, _record: object) -> None:
    # Plain psycopg2 does this too, and so did the original service; SQLAlchemy would make UUID objects of them.
    register_type(_TEXT_ID, cast(Any, connection))


def _json(value: dict[str, Any] | None) -> Json | None:
    return None if value is None else Json(value)
