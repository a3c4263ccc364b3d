"""Search in a folder of Markdown files."""

import asyncio
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from src.domain.source import Passage, passes_filter

# A passage is about a page: enough to write from, small enough that ten of them fit into a prompt.
_PASSAGE_CHARACTERS = 1500
_HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)
_WORD = re.compile(r"\w+")

# BM25 with the usual constants (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009).
_SATURATION = 1.2
_LENGTH_NORMALISATION = 0.75


@dataclass(frozen=True)
class _Entry:
    document: str
    section: str
    text: str
    words: Counter[str]

    @cached_property
    def length(self) -> int:
        return sum(self.words.values())


class MarkdownFolderSearch:
    """A `SourceSearch` over the `*.md` files under `SOURCES_DIR`, ranked by BM25. The folder is read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entries: list[_Entry] | None = None
        self._reading = asyncio.Lock()

    async def search(self, query: str, source_filter: str | None, limit: int) -> list[Passage]:
        """See `SourceSearch.search`. With a filter that lets documents through, never empty."""
        async with self._reading:
            if self._entries is None:
                self._entries = await asyncio.to_thread(_read, self._folder)
        return _ranked(self._entries, query, source_filter, limit)

    async def prefixes(self) -> list[str]:
        """See `SourceSearch.prefixes`."""
        return []


def _ranked(entries: list[_Entry], query: str, source_filter: str | None, limit: int) -> list[Passage]:
    allowed = [entry for entry in entries if passes_filter(entry.document, source_filter)]
    if not allowed:
        return []
    mean_length = sum(entry.length for entry in allowed) / len(allowed)
    weights = {}
    for word in set(_words(query)):
        holding = sum(word in entry.words for entry in allowed)
        weights[word] = math.log(1 + (len(allowed) - holding + 0.5) / (holding + 0.5))
    scored = [(_score(entry, weights, mean_length), entry) for entry in allowed]
    # Who names the allowed documents wants them used, also where no word of the query occurs in them.
    found = [pair for pair in scored if pair[0] > 0] or (scored if source_filter else [])
    found.sort(key=lambda pair: -pair[0])
    return [Passage(entry.document, entry.section, entry.text, score) for score, entry in found[:limit]]


def _score(entry: _Entry, weights: dict[str, float], mean_length: float) -> float:
    norm = _SATURATION * (1 - _LENGTH_NORMALISATION + _LENGTH_NORMALISATION * entry.length / mean_length)
    return sum(
        weight * entry.words[word] * (_SATURATION + 1) / (entry.words[word] + norm) for word, weight in weights.items()
    )


def _read(folder: Path) -> list[_Entry]:
    entries: list[_Entry] = []
    for path in sorted(folder.rglob("*.md")):
        if path.is_file():
            document = path.relative_to(folder).as_posix()
            entries += _split(document, path.read_text(encoding="utf-8", errors="replace"))
    return entries


def _split(document: str, text: str) -> Iterator[_Entry]:
    """Passages of whole paragraphs under one heading each."""
    section, held = "", ""
    for paragraph in re.split(r"\n\s*\n", text):
        heading = _HEADING.match(paragraph.strip())
        if held and (heading or len(held) + len(paragraph) > _PASSAGE_CHARACTERS):
            yield _entry(document, section, held)
            held = ""
        if heading:
            section = heading.group(1)
            paragraph = paragraph.strip().partition("\n")[2]
        if paragraph.strip():
            held = f"{held}\n\n{paragraph.strip()}".strip()
    if held:
        yield _entry(document, section, held)


def _entry(document: str, section: str, text: str) -> _Entry:
    # The heading counts for the ranking: it says in a word what the text is about.
    return _Entry(document, section, text, Counter(_words(f"{section} {section} {text}")))


def _words(text: str) -> list[str]:
    # The shortest ("of", "a", "1") stand in every text, whatever it is about; in Chinese two characters are a word.
    words = [word for word in _WORD.findall(text.casefold()) if len(word) > 2 or not word.isascii()]
    return [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words]
