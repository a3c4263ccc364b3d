"""The corpus of good lessons is of good form, and has the subjects, languages and grades that it is to have."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.form import LESSONS, faults

FILES = sorted(LESSONS.glob("*.json"))
LANGUAGES = {"en", "de", "fr", "es", "hi", "ar", "he", "zh", "ja", "ko", "th", "el", "ru", "hy", "am", "km"}


def given() -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_lesson_of_the_corpus_is_of_good_form(path: Path) -> None:
    assert list(faults(path)) == []


def test_the_corpus_covers_subjects_languages_and_grades() -> None:
    lessons = given()
    assert len(lessons) >= 60
    assert len({lesson["subject"] for lesson in lessons}) >= 15
    assert {lesson["brief"]["language"] for lesson in lessons} >= LANGUAGES
    assert {lesson["brief"]["grade_level"] for lesson in lessons} >= {
        "Kindergarten",
        "Grade 3",
        "Grade 12",
        "University",
    }


def test_no_two_lessons_are_one() -> None:
    assert len({json.dumps(lesson["text"]) for lesson in given()}) == len(FILES)
