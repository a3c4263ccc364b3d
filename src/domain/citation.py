"""A citation, before and after it was verified."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """A citation as the model gives it: the number that the text uses, a passage by its number, and its words."""

    number: int
    passage: int
    quote: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A citation that was verified."""

    number: int
    document: str
    section: str
    start: int
    """Where the quotation begins in the document's text, in characters (in the passage's, where the library knows
    no more)."""
    end: int
    quote: str
    """In the document's own words."""
    score: float
    """100 for word for word."""
    version: str | None
    """SHA-256 (hex) of the document's text, where the library knows it."""
    title: str = ""
    """Of the document, where the library knows it: for readers, who can't tell much by a path."""
