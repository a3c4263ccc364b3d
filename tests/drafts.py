"""A draft that says nothing but what a test gives, to pass it through a single gate."""

from typing import Any

from src.domain.lesson import KeyTerm, LessonText, Section
from src.domain.outline import LessonPlan
from src.domain.quality.draft import Draft
from src.domain.request import CourseBrief


def draft_of(language: str = "en", *, lesson_number: int = 1, **parts: Any) -> Draft:
    """Returns a lesson of a course of four, with these parts of its text."""
    plan = LessonPlan(
        lesson_number=lesson_number, title="…", description="…", key_concepts=("…",), learning_objectives=("…",)
    )
    empty: dict[str, Any] = {
        "introduction": "…",
        "sections": (Section(heading="…", content="…"),),
        "key_terms": (KeyTerm(term="…", definition="…"),),
        "applications": "…",
        "summary": "…",
        "checks": (),
        "citations": (),
    }
    text = LessonText.model_construct(**{**empty, **parts})
    brief = CourseBrief(topic="…", grade_level="Grade 8", num_lessons=4, language=language)
    return Draft(brief, plan, text, (), (), (), False, {})
