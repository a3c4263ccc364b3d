"""The outline of a course. Its pydantic models are also the schema of the answer that the language model gives."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from src.domain.text import Label, Prose


class LessonPlan(BaseModel):
    """What one lesson is to cover."""

    model_config = ConfigDict(frozen=True)

    lesson_number: Annotated[int, Field(ge=1, description="1 for the first lesson, then counting up")]
    title: Label
    description: Prose
    key_concepts: Annotated[
        tuple[Label, ...], Field(min_length=1, max_length=10, description="Terms that the lesson explains")
    ]
    learning_objectives: Annotated[
        tuple[Label, ...],
        Field(min_length=1, max_length=6, description="What a learner can do afterwards, each with a measurable verb"),
    ]


class Outline(BaseModel):
    """A whole course in plan. Lessons are numbered 1 to n in order, and no two have the same title."""

    model_config = ConfigDict(frozen=True)

    title: Label
    description: Prose
    lessons: Annotated[tuple[LessonPlan, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _numbered_in_order(self) -> Self:
        numbers = [lesson.lesson_number for lesson in self.lessons]
        if numbers != list(range(1, len(numbers) + 1)):
            raise ValueError(f"lessons are numbered {numbers}; they must count up from 1")
        return self

    @model_validator(mode="after")
    def _titles_differ(self) -> Self:
        titles = [lesson.title.casefold() for lesson in self.lessons]
        twice = sorted({title for title in titles if titles.count(title) > 1})
        if twice:
            raise ValueError(f"lesson titles must differ; used more than once: {', '.join(twice)}")
        return self
