"""A small lesson that is good in every way, and the same with something changed."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from src.domain.lesson import Lesson, LessonText, Origin
from src.domain.outline import LessonPlan, Outline
from src.domain.quality.review import Reviewed, review_lesson, review_outline
from src.domain.request import CourseBrief
from src.domain.source import Passage
from src.domain.stored_course import StoredCourse, StoredLesson, stored_lesson
from src.services.model.question import Written

PLAN: dict[str, Any] = {
    "lesson_number": 1,
    "title": "The Cell",
    "description": "What a cell is.",
    "key_concepts": ["cell"],
    "learning_objectives": ["Describe a cell", "Name its parts"],
}
CHECK: dict[str, Any] = {
    "kind": "multiple_choice",
    "question": "What is a cell?",
    "choices": ["A unit of life", "A rock", "A star"],
    "answer": "A unit of life",
    "evidence": "A cell is a unit of life.",
    "explanation": "The lesson says that a cell is a unit of life.",
    "objective": 1,
}
PARTS: dict[str, Any] = {
    "kind": "short_answer",
    "question": "Which part keeps the cell together?",
    "choices": None,
    "answer": "The membrane keeps it together.",
    "evidence": "A thin membrane keeps its parts together.",
    "explanation": "The membrane is around all the other parts.",
    "objective": 2,
}
TRUE: dict[str, Any] = {
    "kind": "true_false",
    "question": "All plants are made of cells.",
    "choices": ["True", "False"],
    "answer": "True",
    "evidence": "All plants and all animals are made of cells.",
    "explanation": "Plants are named in that sentence.",
    "objective": 1,
}
TEXT: dict[str, Any] = {
    "introduction": "Look at a leaf, or at your own hand. Both are made of parts that are too small to see.",
    "sections": [
        {
            "heading": "Cells",
            "content": "A cell is a unit of life. [1] All plants and all animals are made of cells. [2] Some"
            " living things are one single cell and no more. [4] Others have more cells than there are people on the"
            " earth. [4]",
        },
        {
            "heading": "Parts of a Cell",
            "content": "A thin membrane keeps its parts together. [3] It lets food in and keeps harm out,"
            " like the door of a house. [5] Inside is a soft jelly, and in the jelly float many small parts. Each part"
            " has a task of its own, as people in a town have.",
        },
    ],
    "key_terms": [{"term": "cell", "definition": "The smallest unit of life."}],
    "applications": "Doctors look at cells to find out why somebody is ill. Farmers choose plants whose cells stand"
    " cold nights well. When you cut a finger, new cells close the cut in a few days.",
    "summary": "A cell is a unit of life. Its membrane keeps its parts together. Plants, animals and people are made of"
    " cells, some of one and some of more than anybody could count. You can now tell somebody what a cell is, and which"
    " part of it keeps all the others together.",
    "checks": [CHECK, PARTS, TRUE],
    "citations": [
        {"number": 1, "passage": 2, "quote": "a cell is a unit of life"},
        {"number": 2, "passage": 1, "quote": "Plants and animals, all of them, are made of cells."},
        {"number": 3, "passage": 2, "quote": "Its parts are kept together by a thin membrane."},
        {"number": 4, "passage": 1, "quote": "Some have one cell alone, others more than there are people."},
        {"number": 5, "passage": 2, "quote": "the membrane lets food in and keeps out what would do harm"},
    ],
}
PASSAGES = [
    Passage(
        "a.md",
        "Living Things",
        "Plants and animals, all of them, are made of cells. Some have one cell alone, others more than there are"
        " people.",
        1.0,
        100,
        "1" * 64,
    ),
    Passage(
        "b.md",
        "",
        "Know that a cell is a unit of life. Its parts are kept together by a thin membrane. The membrane lets food in"
        " and keeps out what would do harm.",
        1.0,
    ),
]
BRIEF = CourseBrief(topic="Cells", num_lessons=1)
ORIGIN = Origin("a-model", 7, "f" * 64)


def text(**changes: Any) -> LessonText:
    """Returns the text of the lesson with `changes`. Raises `ValidationError`."""
    return LessonText.model_validate_json(json.dumps({**TEXT, **changes}))


def reviewed(
    passages: Sequence[Passage] = PASSAGES, plan: dict[str, Any] = PLAN, brief: CourseBrief = BRIEF, **changes: Any
) -> Reviewed[Lesson]:
    """Returns the lesson with `changes`, after its review."""
    return review_lesson(text(**changes), brief, LessonPlan.model_validate(plan), passages, {}, ORIGIN, must_cite=True)


def lesson(**changes: Any) -> Lesson:
    """Returns the finished lesson with `changes`. Takes what `reviewed` takes."""
    return reviewed(**changes).value


def stored(**changes: Any) -> StoredLesson:
    """Returns the lesson with `changes`, as it is stored."""
    return stored_lesson(lesson(**changes))


def course(*lessons: StoredLesson, **changes: Any) -> StoredCourse:
    """Returns a course of `lessons`, as it is stored, with `changes`."""
    fields = {
        "id": UUID("0a1b2c3d-0000-4000-8000-000000000000"),
        "user_id": UUID("7b1f4c52-8d5b-4f0e-9a3f-2f2d1c0a9b11"),
        "title": "Cells",
        "topic": "Cells",
        "grade_level": "Grade 8",
        "total_lessons": len(lessons),
        "lessons": lessons,
        "sources": ["b.md", "a.md"],
    }
    return StoredCourse.model_validate({**fields, **changes})


def outline(*plans: dict[str, Any]) -> Outline:
    """Returns an outline of `plans`. Raises `ValidationError`."""
    return Outline.model_validate_json(json.dumps({"title": "T", "description": "D", "lessons": plans}))


async def outline_review(answer: Outline, _written: Written, brief: CourseBrief = BRIEF) -> Reviewed[Outline]:
    """Reviews an outline, as the review that a question for one is given."""
    return review_outline(answer, brief)
