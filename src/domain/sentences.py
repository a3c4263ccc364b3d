"""Sentences of Markdown prose in any script. Positions count characters."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import regex

# What ends a sentence: the marks of all scripts by Unicode's Sentence_Break (UAX 29), and what it doesn't know as one:
# dots that stand for words, the Greek question mark, which looks like a semicolon, and a colon after Armenian.
_MARKS = r"(?:[\p{Sentence_Break=STerm}\p{Sentence_Break=ATerm}…\u037e]|(?<=\p{Greek});|(?<=\p{Armenian}):)"
# After these another sentence may follow without a space.
_FULL_WIDTH = "。！？｡．"
# Signs that may close with a sentence, and its citations.
_CLOSING = r"[\"'”’»›)\]*_」』】）》]*"
_SPACES_BEFORE_CITATION = frozenset(" \t\u00a0\u202f")
CITATION = r"[ \t\u00a0\u202f]?[\[【［]\s?\^?\d{1,3}(?:\s*[-–—,;，、]\s*\^?\d{1,3})*(?:†[^】\n]{0,40})?\s?[\]】］]"
"""A pattern for the numbers of citations in brackets, with the space before them."""
LIST_SIGN = r"(?:[-*+•]|\d{1,3}[.)])"
"""A pattern for the sign or number that an item of a list begins with, without the space behind it."""
_CITATIONS = rf"(?:{CITATION})*"
_END = regex.compile(
    rf"(?<!{_MARKS}){_MARKS}++{_CLOSING}+{_CITATIONS}+(?:(?=\s+[^\s\p{{Ll}}]|\s*$)|(?<=[{_FULL_WIDTH}]{_CLOSING}{_CITATIONS})(?!\p{{Nd}}))"
    # Thai and Lao have no marks: what carries a citation is a statement of its own.
    rf"|(?<=[\p{{Thai}}\p{{Lao}}][*_\"”’)]*){CITATION}(?=\s)"
)
# What `_END` may begin with: no letter or digit, nor their marks, nor a sign that is frequent inside sentences. `re`
# finds these places many times as fast as `regex` would try each character.
_MAY_END_IN_ASCII = re.compile(r"[.!?]")
_MAY_END = re.compile(
    r"[^\w\s,'\"’“”()*`$=+/%–—\-<>{}\\|&#@^~\]\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u0900-\u0963\u0e31-\u0e4e"
    r"\u17b4-\u17d3]"
)
_CITED_IN = re.compile(r"[\u0e00-\u0eff]")
"""Matches a character of Thai or Lao, in which a citation ends a sentence."""
_ENDED = regex.compile(rf"{_MARKS}{_CLOSING}{_CITATIONS}\s*$")
# A single capital is an initial if it follows a name or begins the sentence; after any other word it ends the sentence
# ("vitamin C.").
_ABBREVIATION = regex.compile(
    r"\b(?:e\.g|i\.e|cf|vs|etc|approx|ca|Dr|Mr|Mrs|Ms|Prof|St|No|Fig|Figs|bzw|Nr|Abb|Mio|Mrd|usw|av|apr|env|Sr|Sra"
    r"|pág|núm|гг|вв|тыс|млн|млрд|рис|стр|см|руб|λπ|χλμ|กม|ม|Hz|vb|yy|\p{Ll})\.$"
    r"|(?:^|\p{Lu}[\p{L}.]*\s|\b\p{L}\.\s?)\p{Lu}\.$"
)
_LONGEST_ABBREVIATION = 12
"""An abbreviation, its full stop and the character before it are not longer, unless it is an initial."""
_INITIAL_FOLLOWS = regex.compile(r"\s+\p{Lu}\.")
# "14. Juli" and "19. Jahrhundert": in German, a full stop makes a number an ordinal.
_ORDINAL = regex.compile(r"(?:^|\P{N})\p{Nd}{1,2}\.$")
_COUNTED = regex.compile(
    r"\s+(?:Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez|Jahrh|Jh|Klasse|Kapitel|Band|Auflage|Lebensj|Woche|Stunde|Grad"
    r"|Stelle|Platz|Tag|Stufe|Satz|Takt)"
)
_BLOCK = re.compile(rf"\n\s*\n|\n(?=\s*{LIST_SIGN}\s)|\n(?=\s*[>|])")
_BULLET = re.compile(rf"\s*{LIST_SIGN}\s+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, and its place in the text: `text[start:end]`."""

    text: str
    start: int
    end: int


def ends_a_sentence(text: str) -> bool:
    """Returns whether a text ends with a mark that ends a sentence, with what may close or cite behind it."""
    return _ENDED.search(text[-200:]) is not None


@lru_cache(maxsize=1024)
def sentences(text: str) -> tuple[Sentence, ...]:
    """Returns the sentences of Markdown prose. The end of a paragraph or list item ends one; bullets belong to none."""
    found: list[Sentence] = []
    start = 0
    for block in [*_BLOCK.finditer(text), None]:
        end = block.start() if block else len(text)
        found.extend(_of_block(text, start, end))
        start = block.end() if block else end
    return tuple(found)


def _of_block(text: str, start: int, end: int) -> Iterator[Sentence]:
    bullet = _BULLET.match(text, start, end)
    begin = bullet.end() if bullet else start
    for mark in _ends(text, begin, end):
        if mark.end() < end and mark.group().startswith(".") and _is_abbreviated(text, begin, mark.start(), mark.end()):
            continue
        yield from _trimmed(text, begin, mark.end())
        begin = mark.end()
    yield from _trimmed(text, begin, end)


def _ends(text: str, begin: int, end: int) -> Iterator[regex.Match[str]]:
    """Yields the marks with which sentences end, each with what closes and cites behind it."""
    position = begin
    if text.isascii():
        places, passed = _MAY_END_IN_ASCII.finditer(text, begin, end), ""
    else:
        places, passed = _MAY_END.finditer(text, begin, end), "" if _CITED_IN.search(text, begin, end) else "[【［"
    for place in places:
        start = place.start()
        if start < position or text[start] in passed:
            continue
        # A citation may begin with the space before it.
        is_cited = text[start] in "[【［" and text[start - 1 : start] in _SPACES_BEFORE_CITATION
        if mark := (_END.match(text, start - 1, end) if is_cited else None) or _END.match(text, start, end):
            yield mark
            position = mark.end()


def _is_abbreviated(text: str, begin: int, stop: int, end: int) -> bool:
    before = text[max(begin, stop - 40) : stop + 1].lstrip()
    last = before[-2:-1]
    if last.isdecimal() and _ORDINAL.search(before):
        return _COUNTED.match(text, end) is not None
    if not last.isupper():
        return _ABBREVIATION.search(before[-_LONGEST_ABBREVIATION:]) is not None
    return bool(_ABBREVIATION.search(before) or (not before[-3:-2].isalnum() and _INITIAL_FOLLOWS.match(text, end)))


def _trimmed(text: str, start: int, end: int) -> Iterator[Sentence]:
    inner = text[start:end]
    stripped = inner.strip()
    if stripped:
        begin = start + len(inner) - len(inner.lstrip())
        yield Sentence(stripped, begin, begin + len(stripped))
