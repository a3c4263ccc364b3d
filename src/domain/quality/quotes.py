"""Finds a quotation in the text that it is said to be from."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz, process

from src.domain.words import negations, numbers, words

LEAST_SCORE = 90.0
"""The least score of an alignment, of 100 (rapidfuzz `partial_ratio`): a letter or two may differ, but no word."""
LEAST_CHARACTERS = 15
"""The least length of a quotation: a shorter one stands in many texts and proves nothing.

A character beyond ASCII counts for three, as other scripts say more in fewer characters.
"""

_SIGNS = {
    **dict.fromkeys("‘’‚‛′`´", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("*_\u00ad\u200b\ufeff", ""),
    "…": "...",
}
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


@dataclass(frozen=True, slots=True)
class _Normalised:
    text: str
    positions: tuple[int, ...]
    """Where each character of `text` stood before."""


def is_too_short(quote: str) -> bool:
    """Returns whether a quotation is too short to prove anything."""
    text = _normalised(quote).text
    return sum(1 if character.isascii() else 3 for character in text) < LEAST_CHARACTERS


def locate(quote: str, text: str) -> Located | None:
    """Returns where `quote` stands in `text`, exactly or else nearly; None if it doesn't.

    Exactly: but for case, space, emphasis and the form of signs. Nearly: by an alignment with at least `LEAST_SCORE`,
    in which each word has its like and no number or negation differs.
    """
    wanted, given = _normalised(quote), _normalised(text)
    if not wanted.text:
        return None
    found = given.text.find(wanted.text)
    if found >= 0:
        return _located(given, text, found, found + len(wanted.text), 100.0)
    if len(wanted.text) > min(len(given.text), _LONGEST_ALIGNED):
        return None  # if the text is the shorter one, the alignment would look for it in the quotation
    aligned = fuzz.partial_ratio_alignment(wanted.text, given.text, score_cutoff=LEAST_SCORE)
    if aligned is None:
        return None
    located = _located(given, text, aligned.dest_start, aligned.dest_end, aligned.score)
    return located if _says_the_same(quote, text[located.start : located.end]) else None


def _located(given: _Normalised, text: str, start: int, end: int, score: float) -> Located:
    first, last = given.positions[start], given.positions[end - 1]
    while first > 0 and text[first - 1].isalnum() and text[first].isalnum():
        first -= 1
    while last + 1 < len(text) and ((text[last + 1].isalnum() and text[last].isalnum()) or _is_mark(text[last + 1])):
        last += 1
    return Located(first, last + 1, score)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def _says_the_same(quote: str, found: str) -> bool:
    quoted, given = words(quote), words(found)
    if numbers(quote) != numbers(found) or negations(quote) != negations(found):
        return False
    return all(
        word in given or process.extractOne(word, given, scorer=fuzz.ratio, score_cutoff=_LEAST_WORD_SCORE)
        for word in quoted
    )


@lru_cache(maxsize=512)
def _normalised(text: str) -> _Normalised:
    characters: list[str] = []
    positions: list[int] = []
    for position, character in enumerate(text):
        plain = _SIGNS.get(character)
        if plain is None:
            plain = " " if character.isspace() else unicodedata.normalize("NFKD", character).casefold()
        if plain == " " and (not characters or characters[-1] in " -"):
            continue
        if plain == "-" and characters and characters[-1] == " ":
            characters.pop()  # a dash may have space around it or not
            positions.pop()
        characters.extend(plain)
        positions.extend([position] * len(plain))
    if characters and characters[-1] == " ":
        characters.pop()
        positions.pop()
    return _Normalised("".join(characters), tuple(positions))
