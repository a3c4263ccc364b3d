"""How hard a text is to read."""

from functools import lru_cache

import pyphen
import regex

from src.domain.language_tag import primary_subtag
from src.domain.words import sentences, words

LEAST_WORDS = 100
"""A shorter text says too little about its reader."""

# Read as prose, a table is one endless sentence.
_TABLE_ROW = regex.compile(r"^[ \t]*\|.*$", regex.MULTILINE)
_NAMED_GRADE = regex.compile(
    r"\b(?P<kind>grade|class|year|form|klasse)\s*(?P<after>\d{1,2})\b"
    r"|\b(?P<before>\d{1,2})(?:st|nd|rd|th|\.)?\s*(?P<kind>grade|class|year|form|klasse)\b"
)
# Ages and key stages are no grades.
_OTHER_COUNT = regex.compile(r"\bages?\b|\baged\b|\bkey stage\b|\bjahre\b")
_NUMBER = regex.compile(r"(\d{1,2})(?:st|nd|rd|th)?")
_LAST_GRADE = 20
# School years where there is no number: first match wins. College begins after grade 12.
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
    ("postgraduate", 17),
    ("university", 15),
    ("college", 14),
    ("adult", 12),
)


def grade_number(grade_level: str) -> int | None:
    """The school year (US grade) that a grade level names, as far as it names one: 8 for "Grade 8"."""
    level = grade_level.casefold()
    if named := _NAMED_GRADE.search(level):
        number = int(named["after"] or named["before"])
        # Years in England and Wales begin one earlier: Year 9 is Grade 8.
        return number - (named["kind"] == "year") if number <= _LAST_GRADE else None
    if _OTHER_COUNT.search(level):
        return None
    for stage, grade in _STAGES:
        if stage in level:
            return grade
    alone = _NUMBER.fullmatch(level.strip())
    return int(alone[1]) if alone and int(alone[1]) <= _LAST_GRADE else None


def without_tables(text: str) -> str:
    """What of a text is read as sentences."""
    return _TABLE_ROW.sub("", text)


def reading_grade(text: str, language: str) -> float | None:
    """The Flesch-Kincaid grade of English prose without tables; None of another language or a short text.

    0.39 × words per sentence + 11.8 × syllables per word − 15.59: Kincaid, Fishburne, Rogers and Chissom, "Derivation
    of New Readability Formulas for Navy Enlisted Personnel", 1975. Syllables are those of hyphenation.
    """
    if primary_subtag(language) != "en":
        return None
    prose = without_tables(text)
    found = words(prose)
    if len(found) < LEAST_WORDS:
        return None
    syllables = sum(map(_syllables, found))
    return round(0.39 * len(found) / len(sentences(prose)) + 11.8 * syllables / len(found) - 15.59, 1)


@lru_cache(maxsize=65536)
def _syllables(word: str) -> int:
    return len(_hyphenation().positions(word)) + 1


@lru_cache(maxsize=1)
def _hyphenation() -> pyphen.Pyphen:
    return pyphen.Pyphen(lang="en_US")
