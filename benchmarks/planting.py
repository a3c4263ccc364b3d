"""What the planters of faults share: finding places in a lesson, and changing words there."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any, TypeVar

import regex

from benchmarks.clean_lessons import Case, by_hand
from src.domain.markdown_syntax import without_blocks
from src.domain.quality.citations import markers, without_markers
from src.domain.sentences import Sentence, sentences
from src.domain.words import NO_SPACES, content_stems

T = TypeVar("T")
_DIGITS = regex.compile(
    r"(?<![\[\p{Nd}.,])(?:\p{Nd}{1,3}(?:[ \u00a0\u2009\u202f'’]\p{Nd}{3})+|\p{Nd}+)(?:[.,٫٬]\p{Nd}+)*(?![\p{Nd}\]])"
)
_SEPARATORS = regex.compile(r"[,٬ \u00a0\u2009\u202f'’]")
# Words with a small letter, or of a script that has no capitals.
_WORD = regex.compile(r"(?<!\p{Lu})\b\p{Ll}[\p{L}\p{M}]{3,}|\b\p{Lo}[\p{L}\p{M}]{3,}")
_RUN = regex.compile(f"{NO_SPACES.pattern}{{4,}}")
_WORD_WITHOUT_SPACES = 3
"""So many characters that are seen as one stand for a word where no spaces tell words apart."""
# What is said in no language or in another one: code, formulas, tables, verse and speech.
_NO_PROSE = regex.compile(r"[`$|\\>]|^\s*(?:[-*+•]|\d+[.)])\s", regex.MULTILINE)
_OF_OTHER_LANGUAGES = frozenset({"language course"})
"""Subjects whose lessons are in two languages."""


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
    """Returns those of `places` that carry a citation, and no other number in brackets."""
    declared = {citation.number for citation in case.text.citations}
    found = [(place, set(markers(place.sentence.text))) for place in places(case, parts)]
    return [place for place, numbers in found if numbers and numbers <= declared]


def section_paths(case: Case) -> list[str]:
    """Returns the paths of the sections without blocks of code."""
    return [where for where, text in case.text.fields().items() if where.startswith("sections.") and "```" not in text]


def other_number(random: Random, number: str, is_near: bool = False) -> str:
    """Returns another number in the same script: a near one, twice or ten times as much, or with another last digit.

    `is_near`: whether it must be a near one.
    """
    plain = _SEPARATORS.sub("", number)
    zero = chr(ord(number[0]) - int(number[0]))
    if not plain.isdecimal():
        return number[:-1] + chr(ord(zero) + (int(number[-1]) + random.randint(1, 9)) % 10)
    value = int(plain)
    other = value
    while other == value or other < 0:
        near = (value + random.randint(1, 9), value - random.randint(1, 9))
        other = random.choice(near if is_near else (*near, value * 10, value * 2))
    separator = _SEPARATORS.search(number)
    shown = f"{other:,}".replace(",", separator.group()) if separator else str(other)
    return shown.translate({ord(str(digit)): chr(ord(zero) + digit) for digit in range(10)})


def digits(text: str) -> list[regex.Match[str]]:
    """Returns the numbers that a text has in digits, without those of citations."""
    return list(_DIGITS.finditer(text))


def replaced(text: str, found: regex.Match[str], by: str) -> str:
    """Returns the text with `by` in the place of what was found."""
    return text[: found.start()] + by + text[found.end() :]


@lru_cache(maxsize=32)
def vocabulary(language: str) -> tuple[str, ...]:
    """Returns the words of four or more letters in the passages of the handwritten lessons of a language.

    Where a script has no spaces, a few characters in a row stand for each word.
    """
    given = [passage.text for case in by_hand() if case.language == language for passage in case.passages]
    found = {word for text in given for word in _WORD.findall(text) if not NO_SPACES.search(word)}
    found = {word for word in found if len(content_stems(word, language)) == 1}
    for run in (run for text in given for run in _RUN.findall(text)):
        seen = regex.findall(r"\X", run)
        ends = range(_WORD_WITHOUT_SPACES, len(seen) + 1, _WORD_WITHOUT_SPACES)
        found |= {"".join(seen[end - _WORD_WITHOUT_SPACES : end]) for end in ends}
    return tuple(sorted(found))


def is_strange(term: str, told: str) -> bool:
    """Returns whether not even the beginnings of a term's words stand in a text.

    In a script without spaces, these may be part of any word: there, a third of its pairs of letters must be missing.
    """
    if NO_SPACES.search(term):
        pairs = [term[at : at + 2] for at in range(len(term) - 1)]
        return term not in told and sum(pair not in told for pair in pairs) * 3 > len(pairs)
    found = regex.findall(r"[\p{L}\p{M}]+", term.casefold())
    return bool(found) and len(term) > 3 and not any(word[:4] in told or word[1:5] in told for word in found)


@lru_cache(maxsize=1)
def foreign() -> dict[str, dict[str, Any]]:
    """Returns a section of plain prose and multiple-choice questions in each language of the handwritten lessons."""
    written: dict[str, dict[str, Any]] = {}
    for case in by_hand():
        if case.subject in _OF_OTHER_LANGUAGES:
            continue
        known = written.setdefault(case.language, {"section": "", "questions": []})
        known["section"] = max([known["section"], *(_prose(part.content) for part in case.text.sections)], key=len)
        known["questions"] += [
            {name: getattr(check, name) for name in ("question", "choices", "answer", "explanation")}
            for check in case.text.checks
            if check.kind == "multiple_choice"
        ]
    return written


def _prose(text: str) -> str:
    """Returns the paragraphs of a text that are nothing but sentences, without citations."""
    paragraphs = (paragraph for paragraph in without_blocks(text).split("\n\n") if not _NO_PROSE.search(paragraph))
    return without_markers("\n\n".join(paragraphs)).strip()


def other_languages(case: Case) -> Sequence[str]:
    """Returns the languages of `foreign` but the lesson's own."""
    return [language for language in foreign() if language != case.language]
