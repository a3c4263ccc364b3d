"""How hard a text is to read."""

from functools import lru_cache

import pyphen
import regex

from src.domain.headings import primary
from src.domain.words import sentences, words

LEAST_WORDS = 100
"""A shorter text says too little about its reader."""

_GRADE = regex.compile(r"\b(?:grade|class|year|form|klasse)?\s*(\d{1,2})(?:st|nd|rd|th)?\b", regex.IGNORECASE)
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
    for stage, grade in _STAGES:
        if stage in level:
            return grade
    found = _GRADE.search(level)
    if found is None or not 0 <= int(found.group(1)) <= 20:
        return None
    # Years in England and Wales begin one earlier: Year 9 is Grade 8.
    return int(found.group(1)) - (1 if found.group().lstrip().startswith("year") else 0)


def reading_grade(text: str, language: str) -> float | None:
    """The Flesch-Kincaid grade of English prose; None where it is not measured (other languages, short texts).

    0.39 × words per sentence + 11.8 × syllables per word − 15.59: Kincaid, Fishburne, Rogers and Chissom, "Derivation
    of New Readability Formulas for Navy Enlisted Personnel", 1975. Syllables are those of hyphenation.
    """
    if primary(language) != "en":
        return None
    found = words(text)
    if len(found) < LEAST_WORDS:
        return None
    syllables = sum(map(_syllables, found))
    return round(0.39 * len(found) / len(sentences(text)) + 11.8 * syllables / len(found) - 15.59, 1)


@lru_cache(maxsize=65536)
def _syllables(word: str) -> int:
    return len(_hyphenation().positions(word)) + 1


@lru_cache(maxsize=1)
def _hyphenation() -> pyphen.Pyphen:
    return pyphen.Pyphen(lang="en_US")
