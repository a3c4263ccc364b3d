"""The search in the stand-in's vector store: a folder of Markdown files, searched in memory."""

import asyncio
import hashlib
import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from src.domain.model_call import RecordCall
from src.domain.passage_splitting import split
from src.domain.source import Passage, passes_filter
from src.domain.words import content_stems

_MOST_PREFIXES = 20

# BM25 with the usual constants (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009).
_SATURATION = 1.2
_LENGTH_NORMALISATION = 0.75


@dataclass(frozen=True)
class _Entry:
    document: str
    version: str
    section: str
    start: int
    text: str

    @cached_property
    def words(self) -> Counter[str]:
        # The heading counts twice: it says in a few words what the text is about.
        return Counter(content_stems(f"{self.section} {self.section} {self.text}"))

    @cached_property
    def length(self) -> int:
        return sum(self.words.values())


class StandInSources:
    """A `SourceSearch` over the `*.md` files of a folder, ranked by BM25. The folder is read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entries: list[_Entry] | None = None
        self._reading = asyncio.Lock()

    async def search(
        self, query: str, source_filter: str | None, limit: int, record: RecordCall | None = None
    ) -> list[Passage]:
        """Searches the folder; see `SourceSearch.search`. If documents lie under the filter, some are always found."""
        return _ranked(await self._all(), query, source_filter, limit)

    async def prefixes(self) -> list[str]:
        """Lists the folders that lie directly in the folder; see `SourceSearch.prefixes`."""
        return sorted({document.partition("/")[0] for document in await self.documents()})[:_MOST_PREFIXES]

    async def documents(self) -> list[str]:
        """Returns the paths of all files that have any text."""
        return list(dict.fromkeys(entry.document for entry in await self._all()))

    async def _all(self) -> list[_Entry]:
        async with self._reading:
            if self._entries is None:
                self._entries = await asyncio.to_thread(_read, self._folder)
        return self._entries


def _ranked(entries: list[_Entry], query: str, source_filter: str | None, limit: int) -> list[Passage]:
    allowed = [entry for entry in entries if passes_filter(entry.document, source_filter)]
    if not allowed:
        return []
    mean_length = sum(entry.length for entry in allowed) / len(allowed)
    weights = {}
    for word in set(content_stems(query)):
        holding = sum(word in entry.words for entry in allowed)
        weights[word] = math.log(1 + (len(allowed) - holding + 0.5) / (holding + 0.5))
    scored = [(_score(entry, weights, mean_length), entry) for entry in allowed]
    # If the allowed documents are named they are to be used, even if no word of the query occurs in them.
    found = [pair for pair in scored if pair[0] > 0] or (scored if source_filter else [])
    found.sort(key=lambda pair: -pair[0])
    return [
        Passage(entry.document, entry.section, entry.text, score, entry.start, entry.version)
        for score, entry in found[:limit]
    ]


def _score(entry: _Entry, weights: dict[str, float], mean_length: float) -> float:
    norm = _SATURATION * (1 - _LENGTH_NORMALISATION + _LENGTH_NORMALISATION * entry.length / mean_length)
    return sum(
        weight * entry.words[word] * (_SATURATION + 1) / (entry.words[word] + norm) for word, weight in weights.items()
    )


def _read(folder: Path) -> list[_Entry]:
    entries: list[_Entry] = []
    for path in sorted(folder.rglob("*.md")):
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            version = hashlib.sha256(text.encode()).hexdigest()
            document = path.relative_to(folder).as_posix()
            entries += [
                _Entry(document, version, span.section, span.start, text[span.start : span.end]) for span in split(text)
            ]
    return entries
