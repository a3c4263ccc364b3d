"""A lesson and a course as they are stored: what rows, `content_json`, `course.json` and Markdown are made of.

Those that this worker wrote have everything. A lesson that another program stored is sure to have only a number and a
title; anything else is absent (None or empty) if it was not stored, or had another type.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, ValidationInfo, field_validator

from src.domain.citation import Citation
from src.domain.columns import Count, Integer, Json, JsonObject, Moment, Text, storable
from src.domain.finding import Finding
from src.domain.fixed_words import fixed_words
from src.domain.language_tag import direction
from src.domain.lesson import CheckKind, Lesson
from src.domain.result import CourseQuality


class _Part(BaseModel):
    """A lesson or a part of one. Keys that the type doesn't know are another program's, and are kept."""

    model_config = ConfigDict(frozen=True, extra="allow", serialize_by_alias=True)
    __pydantic_extra__: dict[str, Json] = Field(init=False)


class StoredSection(_Part):
    """A part of a lesson's text. `kind` is introduction, main, key_terms, applications or summary."""

    kind: Text | None = None
    heading: str = ""
    content: str = ""
    """Markdown."""


class StoredTerm(_Part):
    """A term and what it means."""

    term: str
    definition: str


class StoredCheck(_Part):
    """A question with its answer, unless another program stored it without one."""

    kind: CheckKind | None = None
    question: str
    choices: tuple[Text, ...] | None = None
    answer: str | None = None
    key: Annotated[Count | None, Field(validate_default=True)] = None
    """The number of the choice that is the answer, counted from 1. It follows from these two, whatever is given."""
    evidence: Text | None = None
    explanation: Text | None = None
    objective: Count | None = None
    """The number of the learning objective that it tests, counted from 1."""
    citation: Count | None = None
    """The number of the citation that the answer rests on."""

    @field_validator("key", mode="before")
    @classmethod
    def _found_among_the_choices(cls, _given: object, info: ValidationInfo) -> int | None:
        choices, answer = info.data.get("choices"), info.data.get("answer")
        return choices.index(answer) + 1 if choices and answer in choices else None


class StoredLesson(_Part):
    """A lesson. A field that is added here needs a default, as lessons that are stored already don't have it.

    Its value is then kept in `content_json`, and in a column of `lessons` if `LESSON_COLUMNS` names it.
    """

    lesson_number: Integer
    title: str
    description: Text | None = None
    key_concepts: tuple[Text, ...] = ()
    learning_objectives: tuple[Text, ...] = ()
    language: Text | None = None
    direction: Text | None = None
    """`rtl` or `ltr`."""
    grounded: Annotated[bool, Strict()] | None = None
    """Whether it rests on sources; None if nobody has said."""
    sections: tuple[StoredSection, ...] = ()
    key_terms: tuple[StoredTerm, ...] = ()
    citations: Annotated[tuple[Citation, ...], Field(alias="references")] = ()
    """What the numbers in its text stand for, each number once."""
    checks: tuple[StoredCheck, ...] = ()
    sources: tuple[Text, ...] | None = None
    """The documents that it rests on; None if nobody has said."""
    written_by: Text | None = None
    """The model's own name for itself."""

    # These are stored beside `content_json`; see `BESIDE_CONTENT`.
    content_md: str | None = None
    """The whole text, if another program stored it without parts."""
    generated_at: Moment | None = None
    quality: JsonObject | None = None
    """The value of `LessonQuality.as_json`, or what another program measured."""
    prompt_version: Count | None = None
    prompt_digest: Annotated[Text, Field(pattern="^[0-9a-f]{64}$")] | None = None

    namesakes: dict[str, Json] = {}
    """What another program's `content_json` has under the names of `BESIDE_CONTENT`. It may mean anything."""

    @field_validator("citations")
    @classmethod
    def _the_first_of_a_number_counts(cls, given: tuple[Citation, ...]) -> tuple[Citation, ...]:
        first = {citation.number: citation for citation in reversed(given)}
        return tuple(citation for citation in given if first[citation.number] is citation)

    @field_validator("checks")
    @classmethod
    def _answers_rest_on_what_is_there(
        cls, given: tuple[StoredCheck, ...], info: ValidationInfo
    ) -> tuple[StoredCheck, ...]:
        numbers = {None, *(citation.number for citation in info.data.get("citations", ()))}
        return tuple(
            check if check.citation in numbers else check.model_copy(update={"citation": None}) for check in given
        )


BESIDE_CONTENT = frozenset({"content_md", "generated_at", "quality", "prompt_version", "prompt_digest", "namesakes"})
"""The fields of a `StoredLesson` that are not in its `content_json`."""
LESSON_COLUMNS = (
    "lesson_number",
    "title",
    "description",
    "key_concepts",
    "learning_objectives",
    "sources",
    "generated_at",
    "quality",
    "written_by",
    "prompt_version",
    "prompt_digest",
)
"""The fields of a `StoredLesson` that are columns of `lessons` too.

They are named because a newer schema may have columns that this program doesn't know: these must get their defaults.
"""


def stored_lesson(lesson: Lesson, generated_at: datetime | None = None) -> StoredLesson:
    """Returns a lesson of this worker as it is stored. `generated_at` is None if it was written just now."""
    return StoredLesson(
        **lesson.plan.model_dump(),
        language=lesson.language,
        direction=direction(lesson.language),
        grounded=bool(lesson.citations),
        sections=_sections(lesson),
        key_terms=[StoredTerm(term=term.term, definition=term.definition) for term in lesson.text.key_terms],
        references=lesson.citations,
        checks=[
            StoredCheck(**check.model_dump(), key=check.key, citation=citation)
            for check, citation in zip(lesson.text.checks, lesson.check_citations, strict=True)
        ],
        sources=lesson.sources,
        written_by=lesson.origin.model,
        generated_at=generated_at,
        quality=lesson.quality.as_json(),
        prompt_version=lesson.origin.prompt_version,
        prompt_digest=lesson.origin.prompt_digest,
    )


def _sections(lesson: Lesson) -> list[StoredSection]:
    """Returns every part in reading order, so that a reader of `sections` alone has the whole lesson."""
    fixed, text = fixed_words(lesson.language), lesson.text
    terms = "\n".join(f"- **{term.term}**: {term.definition}" for term in text.key_terms)
    return [
        StoredSection(kind="introduction", heading=fixed.introduction, content=text.introduction),
        *(StoredSection(kind="main", heading=part.heading, content=part.content) for part in text.sections),
        StoredSection(kind="key_terms", heading=fixed.key_terms, content=terms),
        StoredSection(kind="applications", heading=fixed.applications, content=text.applications),
        StoredSection(kind="summary", heading=fixed.summary, content=text.summary),
    ]


def _storable_finding(finding: Finding) -> Finding:
    storable(asdict(finding))
    return finding


class StoredCourse(BaseModel):
    """A course with its lessons, in order."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    user_id: UUID
    request_id: str | None = None
    title: str
    topic: str
    grade_level: str
    source_filter: str | None = None
    language: Text = "en"
    total_lessons: Integer
    outline: JsonObject = {}
    """An `Outline`, if this worker made it."""
    outline_findings: tuple[Annotated[Finding, AfterValidator(_storable_finding)], ...] = ()
    lessons: tuple[StoredLesson, ...]
    sources: tuple[Text, ...] = ()
    """The documents of all lessons, in the order in which they are first named."""
    usage: JsonObject | None = None
    quality: CourseQuality | None = None
    """The quality figures that are known."""
    output_path: str | None = None
    """The folder of its files."""
    generated_at: Moment | None = None

    @property
    def description(self) -> str | None:
        """The outline's description of the course; None if it has none."""
        given = self.outline.get("description")
        return given if isinstance(given, str) else None
