"""A lesson. `LessonText` is what the language model writes, `Lesson` what the course holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, model_validator

from src.domain.outline import LessonPlan
from src.domain.source import Passage
from src.domain.text import Label, Prose


class Section(BaseModel):
    """A main part of a lesson."""

    model_config = ConfigDict(frozen=True)

    heading: Label
    content: Annotated[Prose, Field(description="Markdown paragraphs and lists, without headings and without HTML")]


class KeyTerm(BaseModel):
    """A term and what it means."""

    model_config = ConfigDict(frozen=True)

    term: Label
    definition: Prose


class Check(BaseModel):
    """A question with its answer: multiple choice where `choices` is given, else a short answer."""

    model_config = ConfigDict(frozen=True)

    question: Label
    choices: Annotated[
        tuple[Label, ...] | None,
        Field(description="3 to 5 possible answers, exactly one of them right; null for a short-answer question"),
    ]
    answer: Annotated[
        Prose, Field(description="The right choice, word for word; for a short-answer question a model answer")
    ]
    explanation: Annotated[Prose, Field(description="Why the answer is right, from the lesson's own text")]
    objective: Annotated[int, Field(ge=1, description="Which learning objective it tests, counted from 1")]

    @model_validator(mode="after")
    def _the_answer_is_among_the_choices(self) -> Self:
        if self.choices is None:
            return self
        if not 2 <= len(self.choices) <= 6:
            raise ValueError(f"{len(self.choices)} choices; 3 to 5 are wanted")
        if len({choice.casefold() for choice in self.choices}) < len(self.choices):
            raise ValueError("the choices must differ")
        if self.answer not in self.choices:
            raise ValueError("the answer must be one of the choices, word for word")
        return self


class LessonText(BaseModel):
    """A lesson as the language model is asked for it."""

    model_config = ConfigDict(frozen=True)

    introduction: Prose
    sections: Annotated[tuple[Section, ...], Field(min_length=1, max_length=10)]
    key_terms: Annotated[tuple[KeyTerm, ...], Field(min_length=1, max_length=15)]
    applications: Annotated[Prose, Field(description="Where learners meet this outside school")]
    summary: Prose
    checks: Annotated[
        tuple[Check, ...], Field(min_length=3, max_length=5, description="Questions that test the objectives")
    ]
    passages: Annotated[
        tuple[int, ...], Field(description="Numbers of the passages that the lesson rests on; empty if none were given")
    ]

    def faults(self, plan: LessonPlan, passages: Sequence[Passage]) -> list[str]:
        """What is wrong with it as the text of the lesson `plan`, written from `passages`."""
        faults = []
        for number, check in enumerate(self.checks):
            if check.objective > len(plan.learning_objectives):
                faults.append(
                    f"checks.{number}.objective: {check.objective}; the lesson has"
                    f" {len(plan.learning_objectives)} objectives"
                )
        unknown = sorted({number for number in self.passages if not 1 <= number <= len(passages)})
        if unknown:
            faults.append(f"passages: no passage has the number {', '.join(map(str, unknown))}")
        elif passages and not self.passages:
            faults.append("passages: name at least one of the passages that the lesson rests on")
        return faults


@dataclass(frozen=True, slots=True)
class Lesson:
    """A finished lesson: its plan, its text, and the documents it rests on."""

    plan: LessonPlan
    text: LessonText
    sources: tuple[str, ...]
    written_by: str
    """The model's own name for itself."""

    @classmethod
    def assembled(cls, plan: LessonPlan, text: LessonText, passages: Sequence[Passage], written_by: str) -> Self:
        """The lesson whose sources are the documents of the passages that `text` names, in that order."""
        documents = (passages[number - 1].document for number in text.passages)
        return cls(plan, text, tuple(dict.fromkeys(documents)), written_by)

    def sections(self) -> list[dict[str, str]]:
        """Every part in reading order, so that a reader of `sections` alone has the whole lesson."""
        terms = "\n".join(f"- **{term.term}**: {term.definition}" for term in self.text.key_terms)
        return [
            {"kind": "introduction", "heading": "Introduction", "content": self.text.introduction},
            *({"kind": "main", "heading": part.heading, "content": part.content} for part in self.text.sections),
            {"kind": "key_terms", "heading": "Key Terms", "content": terms},
            {"kind": "applications", "heading": "Real-World Applications", "content": self.text.applications},
            {"kind": "summary", "heading": "Summary", "content": self.text.summary},
        ]

    def content_json(self) -> dict[str, Any]:
        """The shape of `lesson_bodies.content_json`."""
        return {
            **self.plan.model_dump(mode="json"),
            "sections": self.sections(),
            "key_terms": [term.model_dump() for term in self.text.key_terms],
            "checks": [check.model_dump(mode="json") for check in self.text.checks],
            "sources": list(self.sources),
            "written_by": self.written_by,
        }


def lesson_id(course_id: UUID, lesson_number: int) -> UUID:
    """The same for the same lesson of the same course, whoever writes it."""
    return uuid5(course_id, f"lesson/{lesson_number}")
