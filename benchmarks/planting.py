"""What the planters of faults share: finding places in a lesson, and changing words there."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any, TypeVar

import regex

from benchmarks.clean_lessons import ROOT, Case, by_hand
from src.domain.quality.citations import markers
from src.domain.sentences import Sentence, sentences
from src.domain.words import content_stems

T = TypeVar("T")
_SPACES = " \u00a0\u2009\u202f'"
_DIGITS = regex.compile(rf"(?<![\[\d.,])\p{{Nd}}+(?:[.,]\p{{Nd}}+|[{_SPACES}]\p{{Nd}}{{3}}(?!\p{{Nd}}))*(?![\d\]])")


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault of a lesson."""

    name: str
    gates: frozenset[str]
    """The names of the gates that are meant to find it."""
    plant: Callable[[Random, Case], Case | None]
    """Takes a clean lesson; returns it with the fault in it, or None if the lesson has no place for it."""
    is_gated: bool = True
    """Whether the gates claim to find it. A kind that they don't is measured all the same."""


def fault(name: str, gates: str, plant: Callable[[Random, Case], Case | None], is_gated: bool = True) -> Fault:
    """Returns a kind of fault, given the names of its gates in one string."""
    return Fault(name, frozenset(gates.split()), plant, is_gated)


def chosen(random: Random, items: Iterable[T]) -> T | None:
    """Returns one of the items at random; None if there is none."""
    known = list(items)
    return random.choice(known) if known else None


@dataclass(frozen=True, slots=True)
class Place:
    """A sentence, with the path of the part of the lesson that it is in."""

    where: str
    sentence: Sentence

    def replaced(self, case: Case, text: str) -> Case:
        """Returns the lesson with another text in the place of the sentence."""
        whole = case.text.fields()[self.where]
        return case.with_part(self.where, whole[: self.sentence.start] + text + whole[self.sentence.end :])


def places(case: Case, parts: str = "") -> list[Place]:
    """Returns the sentences of the parts whose path begins with `parts`, but none with code."""
    return [
        Place(where, sentence)
        for where, text in case.text.fields().items()
        if where.startswith(parts)
        for sentence in sentences(text)
        if "`" not in sentence.text
    ]


def cited(case: Case, parts: str = "") -> list[Place]:
    """Returns those of `places` that carry a citation."""
    return [place for place in places(case, parts) if markers(place.sentence.text)]


def section_paths(case: Case) -> list[str]:
    """Returns the paths of the sections without blocks of code."""
    return [where for where, text in case.text.fields().items() if where.startswith("sections.") and "```" not in text]


def other_number(random: Random, number: str) -> str:
    """Returns another number in the same script: a near one, twice or ten times as much, or with another last digit."""
    plain = regex.sub(rf"[,{_SPACES}]", "", number)
    if not plain.isdecimal():
        return number[:-1] + chr(ord(number[-1]) - int(number[-1]) + (int(number[-1]) + random.randint(1, 9)) % 10)
    value = int(plain)
    other = value
    while other == value or other < 0:
        other = random.choice((value + random.randint(1, 9), value - random.randint(1, 9), value * 10, value * 2))
    return f"{other:,}" if "," in number else str(other)


def digits(text: str) -> list[regex.Match[str]]:
    """Returns the numbers that a text has in digits, without those of citations."""
    return list(_DIGITS.finditer(text))


def replaced(text: str, found: regex.Match[str], by: str) -> str:
    """Returns the text with `by` in the place of what was found."""
    return text[: found.start()] + by + text[found.end() :]


@lru_cache(maxsize=8)
def vocabulary(language: str) -> tuple[str, ...]:
    """Returns the words of four or more letters in the passages of the handwritten lessons of a language."""
    found = {
        word
        for case in by_hand()
        if case.language == language
        for passage in case.passages
        for word in regex.findall(r"(?<!\p{Lu})\b\p{Ll}[\p{L}\p{M}]{3,}|\b\p{Lo}[\p{L}\p{M}]{3,}", passage.text)
        if len(content_stems(word)) == 1
    }
    return tuple(sorted(found))


@lru_cache(maxsize=1)
def foreign() -> dict[str, dict[str, Any]]:
    """Returns a section and questions in each of some languages."""
    given: dict[str, dict[str, Any]] = json.loads((ROOT / "benchmarks" / "foreign.json").read_text())
    return given


def other_languages(case: Case) -> Sequence[str]:
    """Returns the languages of `foreign` but the lesson's own."""
    return [language for language in foreign() if language != case.language]
