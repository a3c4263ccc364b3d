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
    """The number that the lesson's text shows for it, as in [1]."""
    document: str
    """The path of the document in its library."""
    section: str
    """The heading that the passage stands under; may be empty."""
    start: int
    """Where the quotation begins, in characters of the document's text (of the passage, if no more is known)."""
    end: int
    """Where it ends, counted in the same way."""
    quote: str
    """The quotation in the document's own words."""
    score: float
    """How well the model's quotation fits them, from 90 to 100; 100 is word for word."""
    version: str | None
    """SHA-256 of the document's text, in hexadecimal digits; None if the library doesn't know it."""
    title: str = ""
    """The document's title, for readers, whom a path tells little; empty if the library knows none."""
