"""A citation in its two states: as a model drafts it, and verified."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from src.domain.text import Label


class CitationDraft(BaseModel):
    """A citation as the model gives it: the number that the text uses, a passage by its number, and its words."""

    model_config = ConfigDict(frozen=True)

    number: Annotated[int, Field(ge=1, description="The number that the text uses for it, as in [1]")]
    passage: Annotated[int, Field(description="The number of the passage")]
    quote: Annotated[
        Label, Field(description="5 to 40 words of that passage, word for word, that say what the cited sentence says")
    ]


@dataclass(frozen=True, slots=True)
class Citation:
    """A citation that was verified."""

    number: int
    """As the lesson's text shows it: [1]."""
    document: str
    """Path of the document in its library."""
    section: str
    start: int
    """Where the quotation begins in the document's text, in characters (in the passage's, if the library knows no
    more)."""
    end: int
    quote: str
    """In the document's own words."""
    score: float
    """100 means word for word."""
    version: str | None
    """SHA-256 (hex) of the document's text, if the library knows it."""
    title: str = ""
    """The document's title, for readers, who can't tell much by a path; empty if the library knows none."""
