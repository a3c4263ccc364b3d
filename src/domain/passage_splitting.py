"""Splits a document into passages: by heading, in whole paragraphs, of about a page each."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from src.domain.markdown_syntax import atx_heading, closed_blocks

PASSAGE_CHARACTERS = 1500
"""The length of a passage at most: enough to write from, and so little that ten of them fit into a prompt."""
# A paragraph that is too long is cut where a sentence or line ends, but not into pieces shorter than this.
_SCRAP = PASSAGE_CHARACTERS // 4

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
# Chinese and Japanese put no space after a sentence.
_SENTENCE_END = re.compile(r"[.!?।؟۔…][\"'”’»)\]]*(?=\s)|[。！？][」』”’）]*")
_LINE_END = re.compile(r"\n")
_SPACE = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class Span:
    """The place of a passage in a text: `text[start:end]` is the passage, under the heading `section`."""

    section: str
    start: int
    end: int


def split(text: str) -> Iterator[Span]:
    """Yields the passages of a Markdown text, in order. All of it but blank space and headings is in exactly one.

    A passage is whole paragraphs under one heading, or a piece of a paragraph that is longer than a passage may be.
    """
    blocks = closed_blocks(text)
    for section, start, end in _sections(text, blocks):
        held: Span | None = None
        for piece_start, piece_end in _pieces(text, start, end, blocks):
            if held is not None and piece_end - held.start <= PASSAGE_CHARACTERS:
                held = Span(section, held.start, piece_end)
                continue
            if held is not None:
                yield held
            held = Span(section, piece_start, piece_end)
        if held is not None:
            yield held


_Blocks = Sequence[tuple[int, int]]


def _sections(text: str, blocks: _Blocks) -> Iterator[tuple[str, int, int]]:
    """Yields each heading with start and end of what stands under it."""
    section, start = "", 0
    for match in _LINE.finditer(text):
        title = atx_heading(match.group())
        if title is None or _is_code(match.start(), blocks):
            continue
        yield section, start, match.start()
        section, start = title, match.end()
    yield section, start, len(text)


def _pieces(text: str, start: int, end: int, blocks: _Blocks) -> Iterator[tuple[int, int]]:
    """Yields start and end of paragraphs, or of pieces of those that are too long. A block of code is one paragraph."""
    began = start
    for match in _LINE.finditer(text, start, end):
        if not match.group().strip() and not _is_code(match.start(), blocks):
            yield from _cut(text, began, match.start())
            began = match.end()
    yield from _cut(text, began, end)


def _is_code(position: int, blocks: _Blocks) -> bool:
    before = bisect_right(blocks, position, key=lambda block: block[0])
    return before > 0 and position < blocks[before - 1][1]


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yields a stretch of text without the space around it, in pieces of at most a passage; nothing if it is blank."""
    while start < end and text[end - 1].isspace():
        end -= 1
    while True:
        while start < end and text[start].isspace():
            start += 1
        if start == end:
            return
        if end - start <= PASSAGE_CHARACTERS:
            yield start, end
            return
        cut = _last(_SENTENCE_END, text, start) or _last(_LINE_END, text, start) or _last(_SPACE, text, start)
        cut = cut or start + PASSAGE_CHARACTERS
        yield start, start + len(text[start:cut].rstrip())
        start = cut


def _last(sign: re.Pattern[str], text: str, start: int) -> int | None:
    """Returns where the last `sign` ends in a passage that begins at `start`; None if only a scrap would end there."""
    ends = [match.end() for match in sign.finditer(text, start + _SCRAP, start + PASSAGE_CHARACTERS)]
    return ends[-1] if ends else None
