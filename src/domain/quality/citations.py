"""Finds citations in text: the markers that stand for them, such as `[1]`, apart from other brackets with numbers.

A model writes them in many forms: "fell [1].", "fell[1].", "重要[1]。", `[1, 2]`, `[1–3]`, `[^1]`, 【1】. After the
review each stands as ` [1]`, several as ` [1][2]`, and no other brackets are citations. What code, formulas and editors
write in brackets is left alone: `values[3]`, the interval [0, 1], [sic].
"""

import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import regex

from src.domain.formulas import delimited
from src.domain.markdown_syntax import code_spans, masked

# Stands for a character of code. It is from the private use area: no part of a word, no space, no end of a sentence.
IN_CODE = "\ue000"

_NUMBERS = r"\^?\d{1,3}(?:\s*(?:[,;，、;]|[-–—])\s*\^?\d{1,3})*"
_MARKER = re.compile(rf"[ \t\u00a0\u202f]*(?P<open>[\[【［])\s?(?P<numbers>{_NUMBERS})\s?(?:†[^】\n]{{0,40}})?[\]】］]")
_OPENS = re.compile(r"[\[【［]")
_RANGE = re.compile(r"\^?(\d+)(?:\s*[-–—]\s*\^?(\d+))?")
_LONGEST_RANGE = 20
_CLOSING = re.compile(r"\.?(?:\$\$?|\\[)\]])")
_FOOTNOTE = re.compile(r":[ \t]*")
# What the brackets are close to: a word, or the end of a call such as `f(x)`.
_WORD_BEFORE = regex.compile(r"(?:[\p{L}\d_]\([^()\n]{0,60}\)|[\p{L}\p{M}\d_°)}]+)$")
_CALL = regex.compile(r"[\p{L}\d_]\([^()]*\)$")
_MEASURE = regex.compile(r"(?:\d|°|\d[ \u00a0\u202f]?°?)\p{L}{1,3}$")
_UNCASED = regex.compile(r"[\p{Lo}\p{M}]")
_ENDS_CLAUSE = regex.compile(r"(?:[ \t]?[\[【［][\^\d][^\]】］\n]{0,20}[\]】］])*[ \t]*(?:$|[\n\p{P}\p{Sm}]|</)")
_GOES_ON = regex.compile(r"[ \t]+[\p{L}\d]")
_AFTER_SENTENCE = regex.compile(r"[\p{Sentence_Break=STerm}\p{Sentence_Break=ATerm}][\"'”’»)*_」』]*\s?$")
# Brackets that hold a list, an interval, an index or a slice: a text with them writes no citations with commas.
_OTHER_BRACKETS = regex.compile(
    r"\[\s*(?:[-−]?\d+\s*[,;]\s*)*(?:0|[-−]\d+(?:\.\d+)?|\d+\.\d+|[a-zA-Zα-ω]'?)\s*[,;\]:)]"
    r"|[\p{L}_\d)]\[(?:\d*:\d*|[a-z]\s?[-+]\s?\d)\]"
)
_OPERATOR_BEFORE = regex.compile(r"[=∈×·+−<>≈→≤≥∪]\s*$")
_PRODUCT = regex.compile(r"\d\s?[×x]\s?\d")
_AROUND = 40
_SHORT_WORD = 4


@dataclass(frozen=True, slots=True)
class Marker:
    """Brackets that cite, with the space before them: `text[start:end]`."""

    start: int
    end: int
    numbers: tuple[int, ...]


def markers(text: str, declared: Collection[int] | None = None) -> list[int]:
    """Returns the numbers that `text` cites, in order.

    `declared`: the numbers of the citations that were verified; None if the text is as a model wrote it.
    """
    if declared is None:
        return [number for marker in _as_written(text) for number in marker.numbers]
    return list(_shown_numbers(text, frozenset(declared))) if "[" in text else []


def is_cited(sentence: str, declared: Collection[int] | None = None) -> bool:
    """Returns whether a sentence carries a citation."""
    return bool(markers(sentence, declared))


@lru_cache(maxsize=4096)  # each sentence is looked at by many checks
def without_markers(text: str) -> str:
    """Returns `text` without its citations."""
    kept, position = [], 0
    for marker in _as_written(text):
        kept.append(text[position : marker.start])
        position = marker.end
    return "".join([*kept, text[position:]]) if position else text


def _as_written(text: str) -> tuple[Marker, ...]:
    return _drafted(text) if "[" in text or "【" in text or "［" in text else ()


@lru_cache(maxsize=2048)  # several gates look at the same sentences and parts
def _drafted(text: str) -> tuple[Marker, ...]:
    return tuple(drafted(text, None))


@lru_cache(maxsize=2048)
def _shown_numbers(text: str, declared: frozenset[int]) -> tuple[int, ...]:
    return tuple(number for marker in shown(text, declared) for number in marker.numbers)


def bare(text: str) -> str:
    """Returns `text` without any brackets that look like a citation, wherever they stand."""
    return _MARKER.sub("", text)


def renumbered(text: str, new: Mapping[int, int]) -> str:
    """Returns `text` with each number that it cites replaced by its new one, if `new` has one."""
    kept, position = [], 0
    for marker in drafted(text, None):
        digits = ", ".join(str(new.get(number, number)) for number in marker.numbers)
        before = _OPENS.split(text[marker.start : marker.end], maxsplit=1)[0]
        kept += [text[position : marker.start], before, f"[{digits}]"]
        position = marker.end
    return "".join([*kept, text[position:]])


def shown(text: str, declared: Collection[int]) -> Iterator[Marker]:
    """Yields the citations of a text that was reviewed."""
    if "[" not in text:
        return
    outside_code = masked(text, IN_CODE)
    last = -1
    for found in _outside_formulas(_MARKER.finditer(outside_code), outside_code):
        is_apart = outside_code[found.start()].isspace() or found.start() == last
        if is_apart and found["numbers"].isdecimal() and found["open"] == "[":
            number = int(found["numbers"])
            if number in declared and not _is_link(found, outside_code):
                last = found.end()
                yield Marker(found.start(), found.end(), (number,))


def drafted(text: str, declared: Collection[int] | None, *, is_settled: bool = False) -> Iterator[Marker]:
    """Yields the citations of a text as a model wrote it.

    `declared`: the numbers that stand for a citation; None if that isn't known. `is_settled`: the text was verified
    before, so that brackets close to a word or with more numbers hold none of them.
    """
    if "[" not in text and "【" not in text and "［" not in text:
        return
    outside_code = masked(text, IN_CODE)
    found_here = list(_MARKER.finditer(outside_code))
    if not found_here:
        return
    judged = _Text(text, outside_code, declared, is_settled)
    last: tuple[int, bool] = (-1, False)
    for found in _outside_formulas(found_here, outside_code):
        numbers = _numbers(found)
        is_next, follows_a_marker = found.start() == last[0], last[1]
        # Behind brackets that cite, others do too; behind others they don't, as in `x[1][2]`.
        cites = judged.cites(found, numbers, is_next and follows_a_marker) and (follows_a_marker or not is_next)
        last = (found.end(), cites)
        if cites:
            end = found.end()
            note = _FOOTNOTE.match(text, end)
            if note and outside_code[: found.start()].rpartition("\n")[2].strip() == "":
                end = note.end()
            yield Marker(found.start(), end, numbers)


def _numbers(found: re.Match[str]) -> tuple[int, ...]:
    """Returns the numbers that brackets cite: 1, 2 and 3 of `[1-3]`."""
    if found["numbers"].isdecimal():
        return (int(found["numbers"]),)
    numbers: list[int] = []
    for first, last in _RANGE.findall(found["numbers"]):
        begin, end = int(first), int(last or first)
        numbers += range(begin, end + 1) if begin <= end <= begin + _LONGEST_RANGE else (begin, end)
    return tuple(numbers)


def _is_link(found: re.Match[str], text: str) -> bool:
    # Of `\sqrt[3]{8}` too, wherever it stands.
    return text[found.end() : found.end() + 1] in ("(", "{")


def _outside_formulas(found: Sequence[re.Match[str]] | Iterator[re.Match[str]], text: str) -> Iterator[re.Match[str]]:
    formulas = delimited(text)
    for marker in found:
        if not formulas or not _is_part(marker, text, formulas):
            yield marker


def _is_part(marker: re.Match[str], text: str, formulas: Sequence[tuple[int, int]]) -> bool:
    """Returns whether brackets are part of a formula, such as an index or an interval, and no citation at its end."""
    before = bisect_left(formulas, (marker.start(), 0)) - 1
    if before < 0 or formulas[before][1] <= marker.start():
        return False
    end = formulas[before][1]
    at_end = _CLOSING.fullmatch(text, marker.end(), end) is not None
    return not (at_end and marker.group()[0].isspace() and len(_numbers(marker)) == 1)


class _Text:
    """A text with brackets: what it writes in them besides citations is asked for only where it matters."""

    def __init__(self, text: str, outside_code: str, declared: Collection[int] | None, is_settled: bool) -> None:
        self._whole = text
        self._text = outside_code
        self._declared = declared
        self._is_settled = is_settled

    def cites(self, found: re.Match[str], numbers: Sequence[int], follows_a_marker: bool) -> bool:
        """Returns whether brackets with numbers cite: `[0, 1]` may be an interval, `a[1]` part of an array."""
        if 0 in numbers or _is_link(found, self._text):
            return False
        if follows_a_marker or "^" in found["numbers"] or found["open"] != "[":
            return True
        before = self._text[max(0, found.start() - 80) : found.start()]
        word = None if self._text[found.start()].isspace() else _WORD_BEFORE.search(before)
        if not word and len(numbers) == 1:
            return self._is_known(numbers[0]) or not self._is_value(found, before, numbers[0])
        ends = _ENDS_CLAUSE.match(self._text, found.end()) is not None
        if word:
            return self._follows(word.group(), before, ends, self._are_known(numbers))
        return self._are_citations(numbers, before, ends, found)

    def _is_known(self, number: int) -> bool:
        return self._declared is None or number in self._declared

    def _are_known(self, numbers: Sequence[int]) -> bool:
        return not self._is_settled and all(map(self._is_known, numbers))

    def _follows(self, word: str, before: str, ends: bool, are_known: bool) -> bool:
        """Returns whether brackets close to a word cite: "fell[9]" does, `a[1]`, `f(x)[1]` and `values[2]` don't."""
        if word.endswith((")", "}", "_")):
            return word[-1] == ")" and not _CALL.search(before)
        if word.isdecimal() or _UNCASED.search(word[-1]) or _MEASURE.search(before) or word.endswith("°"):
            return True
        if (
            not word.isalpha()
            or word in self._named_in_code
            or not (word.islower() or word.istitle() or word.isupper())
        ):
            return False
        if len(word) >= _SHORT_WORD:
            return (are_known or ends) and not (self._writes_other_brackets and not are_known)
        return len(word) > 1 and ends and not self._writes_other_brackets

    def _are_citations(self, numbers: Sequence[int], before: str, ends: bool, found: re.Match[str]) -> bool:
        if _AFTER_SENTENCE.search(before):
            return True
        if self._writes_other_brackets or _OPERATOR_BEFORE.search(before):
            return False
        if self._are_known(numbers):
            return len(numbers) == 2 or not _GOES_ON.match(self._text, found.end())
        is_list_of_sources = bool(self._declared) and list(numbers) == sorted(set(numbers))
        return ends and is_list_of_sources

    def _is_value(self, found: re.Match[str], before: str, number: int) -> bool:
        """Returns whether a number in brackets that stands for no citation is a value, such as a matrix of one row."""
        near = before[-_AROUND:].rpartition("\n")[2]
        after = self._text[found.end() : found.end() + _AROUND].partition("\n")[0]
        return bool(
            _OPERATOR_BEFORE.search(near)
            or regex.search(rf"=\s?{number}(?!\d)", near)
            or _PRODUCT.search(near)
            or _PRODUCT.search(after)
        )

    @cached_property
    def _writes_other_brackets(self) -> bool:
        return _OTHER_BRACKETS.search(self._whole) is not None

    @cached_property
    def _named_in_code(self) -> frozenset[str]:
        spans = code_spans(self._whole)
        return frozenset(word for start, end in spans for word in regex.findall(r"\w+", self._whole[start:end]))
