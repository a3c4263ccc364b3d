"""What the language model is asked: the messages, the shape of the answer, and how an answer is reviewed."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

from src.domain.finding import Finding
from src.domain.prompt import Prompt
from src.domain.quality.review import Reviewed
from src.services.model.answer_schema import answer_schema

A = TypeVar("A", bound=BaseModel)
R = TypeVar("R")

Review = Callable[[A, str], Awaitable[Reviewed[R]]]
"""Takes an answer and the name of the model that wrote it; returns what may be kept of it, and what was found in it."""


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


@dataclass(frozen=True, slots=True)
class Question(Generic[A, R]):
    """What the model is asked, and how to tell whether the answer is good."""

    purpose: Literal["outline", "lesson"]
    lesson_number: int | None
    prompt: Prompt
    """The instructions that `messages` begins with."""
    language: str
    """The BCP 47 tag of the language that the answer is to be written in."""
    messages: tuple[ChatMessage, ...]
    """One system message, then one of the user. Chat templates of many models refuse any other order."""
    shape: type[A]
    """The pydantic model of an answer: it is sent as JSON Schema, and the answer is validated by it."""
    review: Review[A, R]
    parts: Callable[[A, Sequence[Finding]], Parts[A] | None] = lambda _answer, _findings: None
    """Chooses the parts of an answer that the findings are about; returns None if all of it is to be written again."""

    @property
    def step(self) -> str:
        """The step of the course, for people: `outline`, or `lesson 2`."""
        return self.purpose if self.lesson_number is None else f"{self.purpose} {self.lesson_number}"


def first_messages(question: Question[A, R], json_mode: str) -> tuple[ChatMessage, ...]:
    """Returns the messages that ask `question`, with the schema in words unless `json_mode` sends it beside them."""
    if json_mode == "schema":
        return question.messages
    system, *others = question.messages
    return (ChatMessage(system.role, f"{system.content}\n\n{schema_in_words(question.shape)}"), *others)


def schema_in_words(shape: type[BaseModel]) -> str:
    """Returns the sentences that state the JSON Schema of an answer, for servers that take none in the request."""
    schema = json.dumps(answer_schema(shape))
    return f"Answer with one JSON object and nothing else. It must follow this JSON Schema:\n{schema}"
