"""Passages of source text, the paths of their documents, and source filters."""

from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of source text that a search returned."""

    document: str
    """The path of the document in its library, with `/` between segments."""
    section: str
    """The heading that the text stands under; may be empty."""
    text: str
    score: float
    """How well it fits the query, comparable within one search only. 0: not at all, but the filter names it."""
    start: int = 0
    """Where `text` begins, in characters of the document's text; 0 if the library doesn't know."""
    version: str | None = None
    """SHA-256, in hexadecimal digits, of the document's text when this was found; None if the library doesn't know."""
    title: str = ""
    """The title of the document; empty if the library doesn't know it."""


def path_segments(path: str) -> tuple[str, ...]:
    """Returns the segments of a path or prefix. Leading, trailing and doubled slashes don't matter."""
    return tuple(segment for segment in path.split("/") if segment)


def library_path(path: str) -> str:
    """Returns the path as a library keeps it: "/a//b/" is "a/b"."""
    return "/".join(path_segments(path))


def prefixes_of(path: str) -> list[str]:
    """Returns every prefix of a path by whole segments, the path included: a, a/b, a/b/c."""
    return list(accumulate(path_segments(path), "{}/{}".format))


def passes_filter(document: str, source_filter: str | None) -> bool:
    """Returns whether `document` lies under the prefix, by whole segments: "micro" lets no "microbiology/…" through."""
    prefix = path_segments(source_filter or "")
    return path_segments(document)[: len(prefix)] == prefix
