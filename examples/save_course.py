"""Saves a course that your own program has written, with the Python API that the original service had too.

    PYTHONPATH=. python examples/save_course.py

Run it in the folder of the project; the database is taken from the environment or `.env`, as for the worker.
"""

from src.config import Settings
from src.services import DatabaseService

USER = "7b1f4c52-8d5b-4f0e-9a3f-2f2d1c0a9b11"
COURSE = {
    "metadata": {"title": "Knots", "topic": "Knots", "grade_level": "Grade 5"},
    "lessons": [
        {
            "lesson_info": {"lesson_number": 1, "title": "The bowline"},
            "content": {"sections": [{"heading": "What it is for", "content": "It makes a loop that never slips."}]},
            "sources": ["knots/bowline.md"],
        }
    ],
}


def main() -> None:
    """Saves the course and reads it back."""
    database = DatabaseService(config=Settings().database)
    course_id = database.save_complete_course(USER, COURSE)  # READY; no worker ever touches it
    course = database.get_course(course_id)
    assert course is not None
    print(course["status"], course["slug"])
    for lesson in database.get_course_lessons(course_id):
        print(lesson["content_md"])
    with database.get_cursor() as cursor:  # rows are dicts; commits when the block ends
        cursor.execute("SELECT count(*) AS lessons FROM public.lessons WHERE course_id = %s", (course_id,))
        print(cursor.fetchall())
    database.disconnect()


if __name__ == "__main__":
    main()
