"""Passages of source text, and which of them a source filter lets through."""

from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of source text that a search returned."""

    document: str
    """Path of the document in its library, with `/` between segments."""
    section: str
    """Heading that the text stands under; may be empty."""
    text: str
    score: float
    """How well it fits the query; comparable within one search only. 0: not at all, but the filter names it."""
    start: int = 0
    """Where `text` begins, in characters of the document's text; 0 where the library doesn't know."""
    version: str | None = None
    """SHA-256 (hex) of the document's text as it was when this was found; None where the library doesn't know."""
    title: str = ""
    """Of the document; empty where the library doesn't know."""


def path_segments(path: str) -> tuple[str, ...]:
    """The segments of a path or prefix. Leading, trailing and doubled slashes don't matter."""
    return tuple(segment for segment in path.split("/") if segment)


def library_path(path: str) -> str:
    """The path as a library keeps it: "/a//b/" is "a/b"."""
    return "/".join(path_segments(path))


def prefixes_of(path: str) -> list[str]:
    """Every prefix of a path by whole segments, the path among them: a, a/b, a/b/c."""
    return list(accumulate(path_segments(path), "{}/{}".format))


def passes_filter(document: str, source_filter: str | None) -> bool:
    """Whether `document` lies under the prefix, by whole segments: "micro" doesn't let "microbiology/…" through."""
    prefix = path_segments(source_filter or "")
    return path_segments(document)[: len(prefix)] == prefix
