"""Passages of source text, what their documents are called, and which of them a source filter lets through."""

import hashlib
from dataclasses import dataclass
from itertools import accumulate

from src.domain.text import printable

DOCUMENT_BYTES = 2000
"""A document's path has at most so many bytes in UTF-8. It is a key of btrees, which take 2,704 bytes; see
https://www.postgresql.org/docs/current/btree.html."""
HEADING_CHARACTERS = 300
"""The title of a document and the heading of a section have at most so many characters."""
_DIGEST_CHARACTERS = 12


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


def document_name(given: str) -> str:
    """Returns the path by which a document is known whose name somebody else gave: one line, `DOCUMENT_BYTES` at most.

    What is longer is cut, and ends with a digest of the whole, so that two documents don't become one.
    """
    name = printable(given, len(given))
    if len(name.encode()) <= DOCUMENT_BYTES:
        return name
    digest = hashlib.sha256(given.encode(errors="surrogatepass")).hexdigest()
    end = f"…{digest[:_DIGEST_CHARACTERS]}"
    return name.encode()[: DOCUMENT_BYTES - len(end.encode())].decode(errors="ignore") + end


def shown_heading(given: str) -> str:
    """Returns a title or heading of at most `HEADING_CHARACTERS`."""
    return given[:HEADING_CHARACTERS]


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
