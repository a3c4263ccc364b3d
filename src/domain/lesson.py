"""A lesson: `LessonText` is what the language model writes, `Lesson` the finished one; see also `stored_course`."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, model_validator

from src.domain.citation import Citation, CitationDraft
from src.domain.outline import LessonPlan
from src.domain.quality_figures import LessonQuality
from src.domain.text import Label, Prose

CheckKind = Literal["multiple_choice", "true_false", "short_answer"]

_PROSE_RULE = "Markdown paragraphs and lists, without headings and without HTML, with citations such as [1]"


class Section(BaseModel):
    """A main part of a lesson."""

    model_config = ConfigDict(frozen=True)

    heading: Label
    content: Annotated[Prose, Field(description=_PROSE_RULE)]


class KeyTerm(BaseModel):
    """A term and what it means."""

    model_config = ConfigDict(frozen=True)

    term: Label
    definition: Prose


class Check(BaseModel):
    """A question with its answer."""

    model_config = ConfigDict(frozen=True)

    kind: CheckKind
    question: Label
    choices: Annotated[
        Annotated[tuple[Label, ...], Field(min_length=2, max_length=6)] | None,
        Field(
            description="multiple_choice: 3 to 5 possible answers, exactly one of them right; true_false: the words for"
            " true and false in the lesson's language, in this order; short_answer: null"
        ),
    ]
    answer: Annotated[
        Prose, Field(description="The right choice, word for word; for a short-answer question a model answer")
    ]
    evidence: Annotated[
        Prose, Field(description="The sentence of this lesson, word for word, that shows that the answer is right")
    ]
    explanation: Annotated[Prose, Field(description="Why the answer is right, from the lesson's own text")]
    objective: Annotated[int, Field(ge=1, description="Which learning objective it tests, counted from 1")]

    @model_validator(mode="after")
    def _the_answer_is_among_the_choices(self) -> Self:
        if self.kind == "short_answer":
            if self.choices is not None:
                raise ValueError("a short_answer question has no choices: give null")
            return self
        if self.choices is None:
            raise ValueError(f"a {self.kind} question needs choices")
        least, most = (2, 2) if self.kind == "true_false" else (3, 6)
        if not least <= len(self.choices) <= most:
            raise ValueError(f"{len(self.choices)} choices; {'2' if most == 2 else '3 to 5'} are wanted")
        if len(set(self.choices)) < len(self.choices):  # Tt and tt are two genotypes, Co and CO two substances
            raise ValueError("the choices must differ")
        if self.answer not in self.choices:
            raise ValueError("the answer must be one of the choices, word for word")
        return self

    @property
    def key(self) -> int | None:
        """The number of the right choice, counted from 1; None for a short-answer question."""
        return self.choices.index(self.answer) + 1 if self.choices else None


class LessonText(BaseModel):
    """A lesson as the language model is asked for it."""

    model_config = ConfigDict(frozen=True)

    introduction: Annotated[Prose, Field(description=_PROSE_RULE)]
    sections: Annotated[tuple[Section, ...], Field(min_length=1, max_length=10)]
    key_terms: Annotated[tuple[KeyTerm, ...], Field(min_length=1, max_length=15)]
    applications: Annotated[Prose, Field(description="Where learners meet this outside school")]
    summary: Prose
    checks: Annotated[
        tuple[Check, ...], Field(min_length=3, max_length=5, description="Questions that test the objectives")
    ]
    citations: Annotated[
        tuple[CitationDraft, ...],
        Field(max_length=60, description="What the numbers in the text stand for; empty if no passages were given"),
    ]

    def fields(self) -> dict[str, str]:
        """Returns the parts that a learner reads before the questions, by path, in reading order."""
        return {
            "introduction": self.introduction,
            **{f"sections.{number}": part.content for number, part in enumerate(self.sections, start=1)},
            **{f"key_terms.{number}": term.definition for number, term in enumerate(self.key_terms, start=1)},
            "applications": self.applications,
            "summary": self.summary,
        }

    def with_fields(self, fields: Mapping[str, str]) -> Self:
        """Returns the lesson with these texts in place of its own; the paths are those that `fields()` returns."""
        sections = (
            part.model_copy(update={"content": fields[f"sections.{number}"]})
            for number, part in enumerate(self.sections, start=1)
        )
        terms = (
            term.model_copy(update={"definition": fields[f"key_terms.{number}"]})
            for number, term in enumerate(self.key_terms, start=1)
        )
        single = {name: fields[name] for name in ("introduction", "applications", "summary")}
        return self.model_copy(update={**single, "sections": tuple(sections), "key_terms": tuple(terms)})


@dataclass(frozen=True, slots=True)
class Origin:
    """The model and the prompt that wrote a lesson, so that a course can be traced to them."""

    model: str
    """The model's own name for itself."""
    prompt_version: int
    prompt_digest: str
    """SHA-256 (hex) of the instructions."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A finished lesson. The citations in its text are verified."""

    plan: LessonPlan
    text: LessonText
    language: str
    citations: Annotated[tuple[Citation, ...], Field(alias="references")]
    """What the numbers in its text stand for. Its key in JSON is `references`."""
    check_citations: Annotated[tuple[int | None, ...], Field(alias="check_references")]
    """For each question the number of the citation that its answer rests on; None if it rests on none.

    Its key in JSON is `check_references`.
    """
    quality: LessonQuality
    origin: Origin

    @property
    def sources(self) -> tuple[str, ...]:
        """The documents that it cites, each once, in the order of its citations."""
        return tuple(dict.fromkeys(citation.document for citation in self.citations))


def lesson_id(course_id: UUID, lesson_number: int) -> UUID:
    """Returns the id of a lesson, which is the same whoever writes it."""
    return uuid5(course_id, f"lesson/{lesson_number}")


def with_keys_placed(checks: tuple[Check, ...], seed: str) -> tuple[Check, ...]:
    """Returns the questions with the choices of multiple choice in an order that gives nothing away.

    The order is the same for the same `seed`. Among a lesson's questions with equally many choices, no position holds
    the key twice before every position has held it once.
    """
    placed: list[Check] = []
    free: dict[int, list[int]] = {}
    for check in checks:
        if check.kind != "multiple_choice" or check.choices is None:
            placed.append(check)
            continue
        size = len(check.choices)
        if not free.get(size):
            free[size] = sorted(range(size), key=lambda position: _drawn(seed, len(placed), position))
        wrong = [choice for choice in check.choices if choice != check.answer]
        wrong.sort(key=lambda choice: _drawn(seed, check.question, choice))
        wrong.insert(free[size].pop(0), check.answer)
        placed.append(check.model_copy(update={"choices": tuple(wrong)}))
    return tuple(placed)


def _drawn(*what: object) -> bytes:
    return hashlib.sha256("\x1f".join(map(str, what)).encode(errors="replace")).digest()
