"""What the language model is asked: the messages, the shape of the answer, and how an answer is reviewed."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

from src.domain.finding import Finding
from src.domain.prompt import Prompt
from src.domain.quality.repair_choice import RepairChoice
from src.domain.quality.review import Reviewed
from src.services.model.answer_schema import Limits, answer_schema

A = TypeVar("A", bound=BaseModel)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Written:
    """How an answer came about, which goes on record with it."""

    model: str
    """The name of the model that wrote it, by its server's account."""
    passages_left_out: int = 0
    """How many of the question's passages the model wasn't given, for want of room in its context."""


Review = Callable[[A, Written], Awaitable[Reviewed[R]]]
"""Takes an answer and how it came about; returns what may be kept of it, and what was found in it."""


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a conversation with the model."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Parts(Generic[A]):
    """Those parts of an answer that are asked for again."""

    shape: type[BaseModel]
    """The pydantic model of an answer that holds these parts."""
    ask: str
    """The sentences that tell the model which parts to send."""
    put: Callable[[Any], A]
    """Takes an instance of `shape`; returns the whole answer with its parts put in."""
    limits: Limits = field(default_factory=dict)
    """As those of a question."""
    need_passages: bool = True
    """Whether the model has to see the passages again to write these parts. They cost tokens."""
    beside: str | None = None
    """What the model has to see of its answer to write these parts; None if all of it, as it wrote it."""


@dataclass(frozen=True, slots=True)
class Question(Generic[A, R]):
    """What the model is asked, and how to tell whether the answer is good."""

    purpose: Literal["outline", "lesson"]
    lesson_number: int | None
    language: str
    """The BCP 47 tag of the language that the answer is to be written in."""
    prompt: Prompt
    """The instructions, which come first."""
    data: Callable[[int], str]
    """Takes a number of passages; returns what the user says: the data, with so many passages, the best first."""
    passages: int
    """How many passages there are."""
    fewest_passages: int = field(default=0, kw_only=True)
    """How many the model has to be given at least."""
    shape: type[A]
    """The pydantic model of an answer: it is sent as JSON Schema, and the answer is validated by it."""
    limits: Limits
    """What the schema of this answer says besides: how many lessons there are, for instance."""
    review: Review[A, R]
    parts: Callable[[A, Sequence[Finding]], Parts[A] | None] = lambda _answer, _findings: None
    """Chooses the parts of an answer that the findings are about; returns None if all of it is to be written again."""
    repairs: RepairChoice = field(default_factory=RepairChoice)
    """Chooses the findings that an answer is sent back for."""

    @property
    def step(self) -> str:
        """The step of the course, for people: `outline`, or `lesson 2`."""
        return self.purpose if self.lesson_number is None else f"{self.purpose} {self.lesson_number}"


def schema_in_words(shape: type[BaseModel]) -> str:
    """Returns the sentences that state the JSON Schema of an answer, for servers that take none in the request."""
    schema = json.dumps(answer_schema(shape))
    return f"Answer with one JSON object and nothing else. It must follow this JSON Schema:\n{schema}"
