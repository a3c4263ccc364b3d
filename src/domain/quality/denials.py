"""Finds a sentence that denies what its quotation says, or says what it denies.

Both must speak of the same: most of the words of a clause of one stand in a clause of the other. Where a language's
negations aren't known, nothing is judged.
"""

from dataclasses import dataclass
from functools import lru_cache

import regex
from rapidfuzz import fuzz

from src.domain.language_tag import primary_subtag
from src.domain.quality.claimed_names import calendar
from src.domain.words import NO_SPACES, NOT_ONLY, carries_content, denies, negations, stem, without_negations, words

_CLAUSE_END = regex.compile(r"[,;:()،؛、，；：。।։።?!？！]|\s[-–—]\s|—|\.(?=\s|$)")
# Negations that say no less than a plain statement, or something else than its contrary.
_NO_DENIAL = regex.compile(
    r"\bnot (?:merely|all|every|always)\b|\bnothing but\b|\bno (?:more|less|fewer|later|longer) than\b"
    r"|\bno longer\b|\bwithout exception\b|\berst\b|\bnichts als\b|\bne\b[^,]{1,40}\bque\b"
    r"|ليس .{1,30} فحسب|sadece .{1,30} değil",
    regex.IGNORECASE,
)
_LEAST_SHARED = 0.8
"""The share of the words of the sentence's clause that the quotation's clause must have, to speak of the same."""
_LEAST_OF_QUOTE = 0.6
_FEWEST_WORDS = 3
_UNSURE = frozenset({"ja"})
"""Languages whose negations are syllables that stand in other words too."""
_LEAST_ALIKE = 88.0


@dataclass(frozen=True, slots=True)
class _Clause:
    text: str
    stems: frozenset[str]
    """Of its words that carry content and deny nothing."""
    figures: int
    """How many of them are numbers or words of the calendar, which say no more than when and how much."""
    denied: str | None
    """The stem of what it denies: the next of these words, or the one before; None if it denies nothing."""


def denied(sentence: str, quote: str, language: str) -> str | None:
    """Returns the clause of a sentence that says the contrary of its quotation; None if none surely does."""
    if primary_subtag(language) in _UNSURE or not (negations(sentence, language) or negations(quote, language)):
        return None
    quoted = _clauses(quote, language)
    for clause in _clauses(sentence, language):
        alike = [other for other in quoted if _are_of_the_same(clause, other, language)]
        if alike and all((other.denied is None) != (clause.denied is None) for other in alike):
            return clause.text
    return None


def _are_of_the_same(clause: _Clause, other: _Clause, language: str) -> bool:
    if NO_SPACES.search(clause.text):
        bare = (without_negations(text, language) for text in (clause.text, other.text))
        return fuzz.ratio(*bare) >= _LEAST_ALIKE
    if (clause.denied or other.denied) not in clause.stems & other.stems:
        return False
    shared = len(clause.stems & other.stems)
    if shared < _FEWEST_WORDS - 1 or shared < _LEAST_OF_QUOTE * (len(other.stems) - other.figures):
        return False
    return shared == len(clause.stems) or (shared >= _FEWEST_WORDS and shared >= _LEAST_SHARED * len(clause.stems))


@lru_cache(maxsize=1024)
def _clauses(text: str, language: str) -> tuple[_Clause, ...]:
    parts = [
        part for part in _CLAUSE_END.split(text) if part and not (NOT_ONLY.search(part) or _NO_DENIAL.search(part))
    ]
    return tuple(_clause(part.strip(), language) for part in parts)


def _clause(text: str, language: str) -> _Clause:
    if NO_SPACES.search(text):
        return _Clause(text, frozenset(), 0, text if negations(text, language) else None)
    content: list[str] = []
    place = None
    for word in words(text):
        if denies(word, language):
            place = len(content)
        elif carries_content(word, language) and carries_content(stem(word, language), language):
            content.append(stem(word, language))
    denied = None if place is None or not content else content[min(place, len(content) - 1)]
    dates = {stem(word, language) for word in calendar(primary_subtag(language))}
    figures = sum(word[0].isdecimal() or word in dates for word in set(content))
    return _Clause(text, frozenset(content), figures, denied)
