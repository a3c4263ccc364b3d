"""A citation in its two states: as a model drafts it, and verified."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict

from src.domain.columns import Count, Offset, Text
from src.domain.source import document_name, shown_heading
from src.domain.text import Label


class CitationDraft(BaseModel):
    """A citation as the model gives it: the number that the text uses, a passage by its number, and its words."""

    model_config = ConfigDict(frozen=True)

    number: Annotated[int, Field(ge=1, description="The number that the text uses for it, as in [1]")]
    passage: Annotated[int, Field(description="The number of the passage")]
    quote: Annotated[
        Label, Field(description="5 to 40 words of that passage, word for word, that say what the cited sentence says")
    ]


# Passages keep these limits from the moment they are found. So only what another program stored is ever cut here.
_Name = Annotated[Text, AfterValidator(document_name)]
_Heading = Annotated[Text, AfterValidator(shown_heading)]
# Rounded: the column is a REAL, which refuses what is nearer to nothing than it can say.
_Score = Annotated[
    float, Strict(), Field(ge=0, le=100, allow_inf_nan=False), AfterValidator(lambda score: round(score, 3))
]


@dataclass(frozen=True, slots=True)
class Citation:
    """A citation that was verified."""

    # Whatever holds it may know more keys; it has these.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="ignore")

    number: Count
    """The number that the lesson's text shows for it, as in [1]."""
    document: _Name
    """The path of the document in its library."""
    section: _Heading
    """The heading that the passage stands under; may be empty."""
    start: Offset
    """Where the quotation begins, in characters of the document's text (of the passage, if no more is known)."""
    end: Offset
    """Where it ends, counted in the same way."""
    quote: Text
    """The quotation in the document's own words."""
    score: _Score
    """How well the model's quotation fits them, from 90 to 100; 100 is word for word."""
    version: Text | None = None
    """SHA-256 of the document's text, in hexadecimal digits; None if the library doesn't know it."""
    title: _Heading = ""
    """The document's title, for readers, whom a path tells little; empty if the library knows none."""

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError("ends before it begins")
