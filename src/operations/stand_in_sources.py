"""The stand-in's vector store: a folder of Markdown files, searched in memory."""

import asyncio
import hashlib
import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from src.domain.passages import split
from src.domain.source import Passage, passes_filter

_WORD = re.compile(r"\w+")
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
        # The heading counts for the ranking: it says in a word what the text is about.
        return Counter(stemmed_words(f"{self.section} {self.section} {self.text}"))

    @cached_property
    def length(self) -> int:
        return sum(self.words.values())


class StandInSources:
    """A `SourceSearch` over the `*.md` files in a folder, ranked by BM25. The folder is read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entries: list[_Entry] | None = None
        self._reading = asyncio.Lock()

    async def search(self, query: str, source_filter: str | None, limit: int) -> list[Passage]:
        """See `SourceSearch.search`. With a filter that lets documents through, never empty."""
        return _ranked(await self._all(), query, source_filter, limit)

    async def prefixes(self) -> list[str]:
        """See `SourceSearch.prefixes`."""
        return sorted({document.partition("/")[0] for document in await self.documents()})[:_MOST_PREFIXES]

    async def documents(self) -> list[str]:
        """The paths of all files that have any text."""
        return list(dict.fromkeys(entry.document for entry in await self._all()))

    async def _all(self) -> list[_Entry]:
        async with self._reading:
            if self._entries is None:
                self._entries = await asyncio.to_thread(_read, self._folder)
        return self._entries


def stemmed_words(text: str) -> list[str]:
    """The words of a text, plurals as singulars, without the shortest ("of", "a", "1"), which stand everywhere."""
    words = [word for word in _WORD.findall(text.casefold()) if len(word) > 2 or not word.isascii()]
    return [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words]
