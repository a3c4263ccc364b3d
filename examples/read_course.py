"""Prints a finished course from the database: its lessons, and their questions with the answer keys.

    python examples/read_course.py [COURSE_ID]

Without an id, it prints the course that was finished last. The database is taken from DB_HOST, DB_PORT, DB_NAME,
DB_USER and DB_PASSWORD. A program that only reads needs SELECT on these tables and views, and nothing else.
"""

import os
import sys

import psycopg2

COURSE = """
    SELECT id, title, grade_level, language FROM public.courses
    WHERE status = 'READY' AND (id = %(id)s::uuid OR %(id)s IS NULL)
    ORDER BY generated_at DESC LIMIT 1
"""
LESSONS = "SELECT id, lesson_number, content_md FROM public.v_lessons_full WHERE course_id = %s ORDER BY lesson_number"
CHECKS = "SELECT question, choices, key, answer FROM public.lesson_checks WHERE lesson_id = %s ORDER BY q_order"


def main(course_id: str | None) -> int:
    """Prints the course. Returns the exit code."""
    connection = psycopg2.connect(
        host=os.environ.get("DB_HOST", "localhost"),
        port=os.environ.get("DB_PORT", "5432"),
        dbname=os.environ.get("DB_NAME", "learningdb"),
        user=os.environ.get("DB_USER", "postgres"),
        password=os.environ.get("DB_PASSWORD", ""),
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(COURSE, {"id": course_id})
        course = cursor.fetchone()
        if course is None:
            print("There is no such course, or it is not READY", file=sys.stderr)
            return 1
        print(*course, sep=" | ")
        cursor.execute(LESSONS, (course[0],))
        for lesson_id, number, markdown in cursor.fetchall():
            print(f"lesson {number}: {len(markdown)} characters of Markdown")
            cursor.execute(CHECKS, (lesson_id,))
            for question, choices, key, answer in cursor.fetchall():
                print(f"    {question}")
                for position, choice in enumerate(choices or (), start=1):
                    print(f"        {'*' if position == key else ' '} {choice}")
                if not choices:
                    print(f"        {answer}")
    connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if sys.argv[1:] else None))
