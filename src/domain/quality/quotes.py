"""Finds a quotation in the text that it is said to be from."""

import unicodedata
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from src.domain.normal_form import Normal, normal, normal_text
from src.domain.numerals import missing, values
from src.domain.words import NO_SPACES, negations, words

LEAST_SCORE = 90.0
"""The least score of an alignment, of 100 (rapidfuzz `partial_ratio`): a letter or two may differ, but no word."""
LEAST_CHARACTERS = 15
"""The least length of a quotation: a shorter one stands in many texts and proves nothing.

A character beyond ASCII counts for three, as other scripts say more in fewer characters.
"""

_LEAST_WORD_SCORE = 75.0
# The time of an alignment grows with both lengths; a longer quotation has to be there word for word.
_LONGEST_ALIGNED = 600


@dataclass(frozen=True, slots=True)
class Located:
    """The place of a quotation in a text, which is `text[start:end]`."""

    start: int
    end: int
    score: float
    """100 if the quotation stands there word for word, else the score of the alignment."""


def is_too_short(quote: str) -> bool:
    """Returns whether a quotation is too short to prove anything."""
    text = normal_text(quote)
    return len(text) < LEAST_CHARACTERS and sum(map(_weight, text)) < LEAST_CHARACTERS


def _weight(character: str) -> int:
    return 1 if character.isascii() else 3


def locate(quote: str, text: str, language: str = "en") -> Located | None:
    """Returns where `quote` stands in `text`, exactly or else nearly; None if it doesn't.

    Exactly: in the normal form of both. Nearly: by an alignment with at least `LEAST_SCORE`, in which each word has its
    like and no number or negation differs. `language` is the BCP 47 tag of both.
    """
    wanted, given = normal_text(quote), normal(text)
    if not wanted:
        return None
    found = given.text.find(wanted)
    if found >= 0:
        return _located(given, text, found, found + len(wanted), 100.0)
    if len(wanted) > min(len(given.text), _LONGEST_ALIGNED):
        return None  # if the text is the shorter one, the alignment would look for it in the quotation
    aligned = fuzz.partial_ratio_alignment(wanted, given.text, score_cutoff=LEAST_SCORE)
    if aligned is None or aligned.dest_end == aligned.dest_start:
        return None
    located = _located(given, text, aligned.dest_start, aligned.dest_end, aligned.score)
    return located if _says_the_same(quote, text[located.start : located.end], language) else None


def _located(given: Normal, text: str, start: int, end: int, score: float) -> Located:
    first, last = given.source(start, end)
    while first > 0 and _are_in_a_word(text[first - 1], text[first]):
        first -= 1
    while last < len(text) and (_are_in_a_word(text[last - 1], text[last]) or _is_mark(text[last])):
        last += 1
    return Located(first, last, score)


def _are_in_a_word(one: str, other: str) -> bool:
    """Returns whether two characters beside each other are of one word; in a script without spaces none has to be."""
    return one.isalnum() and other.isalnum() and not (NO_SPACES.match(one) and NO_SPACES.match(other))


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def _says_the_same(quote: str, found: str, language: str) -> bool:
    quoted, given = words(quote), words(found)
    if missing(quote, values(found, language), language) or missing(found, values(quote, language), language):
        return False
    if negations(quote, language) != negations(found, language):
        return False
    return all(
        word in given or process.extractOne(word, given, scorer=fuzz.ratio, score_cutoff=_LEAST_WORD_SCORE)
        for word in quoted
    )
