"""Finds code and headings in Markdown. What is in code is shown as it is, and is neither a citation nor a tag.

Code is blocks between fences and spans between backticks, as CommonMark 0.31 defines them (sections 4.5 and 6.1); both
are found in linear time. Indented code isn't recognised: it is treated as text, which errs on the safe side.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import regex

from src.domain.source import HEADING_CHARACTERS

_FENCE = regex.compile(r"[ \t]*(`{3,}|~{3,})([^\n]*)")
# Lines end as in CommonMark: not at a form feed, and not at Unicode's own line separators.
_LINE = regex.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_RUN = regex.compile(r"`+")
_BLANK = regex.compile(r"\n[ \t]*\n")


def code_spans(text: str) -> Sequence[tuple[int, int]]:
    """Returns start and end of every piece of code, in order. A block without an end goes to the end of the text."""
    return _code_spans(text) if "`" in text or "~~~" in text else ()


@lru_cache(maxsize=1024)
def _code_spans(text: str) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    outside = 0
    for start, end in code_blocks(text):
        found += [*_inline(text, outside, start), (start, end)]
        outside = end
    return (*found, *_inline(text, outside, len(text)))


def code_blocks(text: str) -> Iterator[tuple[int, int]]:
    """Yields start and end of every block between fences, in order. One without an end goes to the end of the text."""
    if "```" not in text and "~~~" not in text:
        return
    start, fence, position = 0, "", 0
    for line in _LINE.findall(text):
        mark = _FENCE.match(line)
        if mark and not fence and not (mark[1][0] == "`" and "`" in mark[2]):
            start, fence = position, mark[1]
        elif mark and fence and mark[1].startswith(fence) and not mark[2].strip():
            yield start, position + len(line)
            fence = ""
        position += len(line)
    if fence:
        yield start, len(text)


def closed_blocks(text: str) -> list[tuple[int, int]]:
    """Returns those of `code_blocks` that have an end.

    If the end is missing in a document that somebody gave, all the rest of it is hardly code.
    """
    return [(start, end) for start, end in code_blocks(text) if end < len(text) or _closed(text[start:end])]


def masked(text: str, by: str) -> str:
    """Returns `text` with each character of code replaced by the character `by`, so that no position changes."""
    return _with_code(text, lambda code: by * len(code))


def without_code(text: str) -> str:
    """Returns `text` with a space in place of each piece of code."""
    return _with_code(text, lambda _: " ")


def without_blocks(text: str) -> str:
    """Returns `text` without its blocks of code; code within a line stays."""
    if "```" not in text and "~~~" not in text:
        return text
    kept, position = [], 0
    for start, end in code_blocks(text):
        kept.append(text[position:start])
        position = end
    return "".join([*kept, text[position:]])


def has_open_block(text: str) -> bool:
    """Returns whether a block of code is opened and not closed."""
    return any(end == len(text) and not _closed(text[start:end]) for start, end in code_blocks(text))


def _with_code(text: str, change: Callable[[str], str]) -> str:
    spans = code_spans(text)
    if not spans:
        return text
    kept, position = [], 0
    for start, end in spans:
        kept += [text[position:start], change(text[start:end])]
        position = end
    return "".join([*kept, text[position:]])


def _closed(block: str) -> bool:
    lines = block.splitlines()
    opened, last = _FENCE.match(lines[0]), _FENCE.match(lines[-1])
    return bool(len(lines) > 1 and opened and last and last[1].startswith(opened[1]) and not last[2].strip())


def _inline(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yields the spans between runs of as many backticks, which never reach beyond a paragraph."""
    begin = start
    for blank in [*_BLANK.finditer(text, start, end), None]:
        stop = blank.start() if blank else end
        yield from _in_paragraph(text, begin, stop)
        begin = blank.end() if blank else end


def _in_paragraph(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    runs = [(run.start(), run.end()) for run in _RUN.finditer(text, start, end)]
    by_length: dict[int, list[int]] = {}
    for first, last in runs:
        by_length.setdefault(last - first, []).append(first)
    position = start
    for first, last in runs:
        if first < position:
            continue
        slashes = len(text[start:first]) - len(text[start:first].rstrip("\\"))
        opening = first + slashes % 2  # an escaped backtick belongs to the text
        length = last - opening
        same = by_length.get(length, [])
        index = bisect_right(same, last - 1)
        if length and index < len(same):
            position = same[index] + length
            yield opening, position


def atx_heading(line: str) -> str | None:
    """Returns the text of an ATX heading (`## Cells`), cut to `HEADING_CHARACTERS`; None if the line is no heading."""
    hashes = line.lstrip(" ")
    if len(line) - len(hashes) > 3 or not hashes.startswith("#"):
        return None
    title = hashes.lstrip("#")
    if len(hashes) - len(title) > 6 or (title and not title[0].isspace()):
        return None
    title = title.strip()
    unclosed = title.rstrip("#")
    if unclosed != title and (not unclosed or unclosed[-1].isspace()):
        title = unclosed
    return " ".join(title[:HEADING_CHARACTERS].split())
