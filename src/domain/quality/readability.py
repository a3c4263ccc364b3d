"""Readability: how hard a text is to read, and which grade it should suit."""

from collections.abc import Iterable
from functools import lru_cache

import pyphen
import regex

from src.domain.language_tag import primary_subtag
from src.domain.sentences import sentences
from src.domain.words import words

LEAST_WORDS = 100
"""The shortest text that is measured: a shorter one tells too little about its reader."""

# A table that is read as prose would be one endless sentence.
_TABLE_ROW = regex.compile(r"^[ \t]*\|.*$", regex.MULTILINE)
_NAMED_GRADE = regex.compile(
    r"\b(?P<kind>grade|class|year|form|klasse)\s*(?P<after>\d{1,2})\b"
    r"|\b(?P<before>\d{1,2})(?:st|nd|rd|th|\.)?\s*(?P<kind>grade|class|year|form|klasse)\b"
)
# Ages and key stages are no grades.
_OTHER_COUNT = regex.compile(r"\bages?\b|\baged\b|\bkey stage\b|\bjahre\b")
_NUMBER = regex.compile(r"(\d{1,2})(?:st|nd|rd|th)?")
_LAST_GRADE = 20
# Schools that count their own years from one: the first year of a university is no first grade.
_LATER_SCHOOL = regex.compile(
    r"universit|college|undergraduate|graduate|secondary|high school|middle school|adult|evening|master|bachelor"
    r"|\bmba\b|degree|apprentic|nursing|medical|law school|vocational|semester|\bschool,|drivers"
)
_LAST_YEAR_OF_A_SCHOOL = 5
# School years for grade levels without a number; the first match counts. College begins after grade 12.
_STAGES = (
    ("kindergarten", 0),
    ("preschool", 0),
    ("primary", 4),
    ("elementary", 4),
    ("middle school", 7),
    ("junior high", 8),
    ("high school", 11),
    ("secondary", 10),
    ("undergraduate", 15),
    ("graduate", 17),
    ("university", 15),
    ("college", 14),
    ("adult", 12),
)


def grade_number(grade_level: str) -> int | None:
    """Returns the school year (US grade) that a grade level names, 8 for "Grade 8"; None if it names none."""
    level = grade_level.casefold()
    if named := _NAMED_GRADE.search(level):
        number = int(named["after"] or named["before"])
        if named["kind"] != "grade" and number <= _LAST_YEAR_OF_A_SCHOOL and _LATER_SCHOOL.search(level):
            return next((grade for stage, grade in _STAGES if stage in level and grade >= number), None)
        # School years in England and Wales count from one year earlier: Year 9 is Grade 8.
        return number - (named["kind"] == "year") if number <= _LAST_GRADE else None
    if _OTHER_COUNT.search(level):
        return None
    for stage, grade in _STAGES:
        if stage in level:
            return grade
    alone = _NUMBER.fullmatch(level.strip())
    return int(alone[1]) if alone and int(alone[1]) <= _LAST_GRADE else None


def without_tables(text: str) -> str:
    """Returns a Markdown text without its tables, whose rows are no sentences."""
    return _TABLE_ROW.sub("", text) if "|" in text else text


def reading_grade(text: str, language: str) -> float | None:
    """Returns the Flesch-Kincaid grade of English prose; None if it is in another language or too short.

    The grade is 0.39 × words per sentence + 11.8 × syllables per word − 15.59: Kincaid, Fishburne, Rogers and Chissom,
    "Derivation of New Readability Formulas for Navy Enlisted Personnel", 1975. Syllables are counted by hyphenation.
    """
    return grade_of_parts((text,), language)


def grade_of_parts(texts: Iterable[str], language: str) -> float | None:
    """Returns what `reading_grade` does, of a text in parts that end with their sentences."""
    if primary_subtag(language) != "en":
        return None
    parts = [*map(without_tables, texts)]
    found = [word for part in parts for word in words(part)]
    if len(found) < LEAST_WORDS:
        return None
    syllables, number = sum(map(_syllables, found)), sum(len(sentences(part)) for part in parts)
    return round(0.39 * len(found) / number + 11.8 * syllables / len(found) - 15.59, 1)


@lru_cache(maxsize=65536)
def _syllables(word: str) -> int:
    return len(_hyphenation().positions(word)) + 1


@lru_cache(maxsize=1)
def _hyphenation() -> pyphen.Pyphen:
    return pyphen.Pyphen(lang="en_US")
