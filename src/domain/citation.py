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
    """As the lesson's text shows it: [1]."""
    document: _Name
    """Path of the document in its library."""
    section: _Heading
    start: Offset
    """Where the quotation begins in the document's text, in characters (in the passage's, if the library knows no
    more)."""
    end: Offset
    quote: Text
    """In the document's own words."""
    score: _Score
    """100 means word for word."""
    version: Text | None = None
    """SHA-256 (hex) of the document's text, if the library knows it."""
    title: _Heading = ""
    """The document's title, for readers, who can't tell much by a path; empty if the library knows none."""

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError("ends before it begins")
