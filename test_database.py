"""Checks that the database of the environment is there, has the schema, and keeps a course.

    python test_database.py

Writes one course through `DatabaseService`, reads it back by the documented tables and views, and deletes it.
"""

import argparse
import sys
from uuid import uuid4

import psycopg2

from src.config import Settings, SettingsError
from src.operations.migrations import obstacle_to
from src.operations.terminal import say
from src.services import DatabaseService

RELATIONS = (
    "courses",
    "lessons",
    "lesson_bodies",
    "lesson_checks",
    "generation_queue",
    "workers",
    "outbox",
    "course_events",
    "model_calls",
    "v_course_summary",
    "v_course_lessons",
    "v_lessons_full",
)


def check_relations(database: DatabaseService) -> None:
    """Counts the rows of every documented table and view."""
    with database.get_cursor() as cursor:
        cursor.execute("SELECT version()")
        say(*(row["version"] for row in cursor))
        for name in RELATIONS:
            cursor.execute(f"SELECT count(*) AS rows FROM public.{name}")  # noqa: S608 - a name from above
            for row in cursor:
                say(f"  {name:<18}{row['rows']:>8} rows")
        cursor.execute("SELECT current_setting('search_path') AS path, to_regclass('courses') IS NULL AS unseen")
        for row in cursor:
            if row["unseen"]:
                say(
                    f"The search_path of this role is '{row['path']}', so programs of yours have to write"
                    " public.courses, not courses; this program does"
                )


def check_round_trip(database: DatabaseService) -> None:
    """Writes a course with one lesson, compares what comes back, and deletes it."""
    user_id = str(uuid4())
    course_id = database.create_course(user_id, "A test course", "Testing", "Grade 8", 1)
    try:
        lesson_id = database.create_lesson(course_id, 1, "A test lesson", key_concepts=["test"], sources=["a/b.md"])
        database.save_lesson_body(lesson_id, "# A test lesson", {"lesson_number": 1, "sections": []})
        database.update_course_status(course_id, "READY")
        course = database.get_course(course_id)
        lessons = database.get_course_lessons(course_id)
        assert course is not None and course["status"] == "READY", course
        assert course["slug"] == "a-test-course", course["slug"]
        assert [lesson["content_md"] for lesson in lessons] == ["# A test lesson"], lessons
    finally:
        with database.get_cursor() as cursor:
            cursor.execute("DELETE FROM public.courses WHERE id = %s", (course_id,))
    say(f"A course was written, read back and deleted ({course_id})")


def main() -> None:
    """Runs the checks. If something is wrong, exits with code 1, or 2 for settings, and says what."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    try:
        settings = Settings().database
        database = DatabaseService(config=settings)
        database.connect()
        try:
            if in_the_way := obstacle_to(settings):
                say(f"database: {in_the_way}")
                sys.exit(1)
            check_relations(database)
            check_round_trip(database)
        finally:
            database.disconnect()
    except SettingsError as error:
        say(*error.lines())
        sys.exit(2)
    except psycopg2.OperationalError as error:
        say(f"Can't connect to {settings.host}:{settings.port}: {error}")
        sys.exit(1)
    except psycopg2.Error as error:
        say(f'database: {str(error).splitlines()[0]}; see DATABASE.md, "Rights"')
        sys.exit(1)
    say("The database is fine.")


if __name__ == "__main__":
    main()
