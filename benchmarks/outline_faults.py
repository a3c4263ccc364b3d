"""Faults of an outline."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from benchmarks.clean_lessons import Case, by_hand
from benchmarks.planting import other_languages
from src.domain.finding import Finding
from src.domain.outline import LessonPlan, Outline
from src.domain.quality.review import review_outline

_VAGUE = {
    "en": (
        "Understand {}", "Know about {}", "Learn about {}", "Students will understand {}", "Appreciate {}",
        "Be aware of {}", "Become familiar with {}", "Learners will be able to understand {}", "To know {}",
        "Gain an understanding of {}", "Develop an appreciation of {}", "Explore {}", "Be introduced to {}",
        "Have knowledge of {}", "Gain insight into {}", "Get to know {}", "Comprehend {}",
    ),
    "de": (
        "{} verstehen", "{} kennenlernen", "{} kennen", "Wissen, was {} bedeutet", "Mehr über {} erfahren",
        "Ein Verständnis für {} entwickeln", "Sich mit {} vertraut machen", "{} begreifen",
    ),
}  # fmt: skip
_TWINS = {
    "en": (
        "The {}",
        "{}!",
        "{}.",
        "About {}",
        "{}: An Introduction",
        "Introduction to {}",
        "More about {}",
        "All about {}",
    ),
    "de": ("Die {}", "{}!", "Einführung: {}", "Mehr über {}"),
    "hi": ("{}!", "{} का परिचय", "{}।"),
    "ar": ("{}!", "مقدمة: {}", "{}."),
}
_LEAKS = (
    "As an AI language model, I have chosen four lessons. {}",
    "{} [Insert description]",
    "<think>three lessons are enough</think>{}",
    "{} Lesson plan for teachers.",
    "Sure! {}",
    "{} TODO",
    "{} Lorem ipsum dolor.",
)


@dataclass(frozen=True, slots=True)
class OutlineFault:
    """A kind of fault of an outline; see `planting.Fault`."""

    name: str
    gates: frozenset[str]
    plant: Callable[[Random, Case], Outline | None]


def outline_findings(case: Case, outline: Outline) -> frozenset[Finding]:
    """Returns what the gates find in an outline of the case's course."""
    return frozenset(review_outline(outline, case.brief).findings)


def _with_plan(random: Random, outline: Outline, change: Callable[[LessonPlan], dict[str, Any]]) -> Outline:
    plans = list(outline.lessons)
    index = random.randrange(len(plans))
    plans[index] = plans[index].model_copy(update=change(plans[index]))
    return outline.model_copy(update={"lessons": tuple(plans)})


def wrong_count(random: Random, case: Case) -> Outline | None:
    """Takes a lesson out of the outline, or adds one."""
    lessons = case.outline.lessons
    more = lessons[-1].model_copy(update={"lesson_number": len(lessons) + 1, "title": f"{case.brief.topic} 9"})
    return case.outline.model_copy(update={"lessons": random.choice((lessons[:-1], (*lessons, more)))})


def twin_titles(random: Random, case: Case) -> Outline | None:
    """Makes two titles say the same."""
    first, second = random.sample(case.outline.lessons, 2)
    title = random.choice(_TWINS[case.language]).format(first.title)
    lessons = (it.model_copy(update={"title": title}) if it is second else it for it in case.outline.lessons)
    return case.outline.model_copy(update={"lessons": tuple(lessons)})


def vague_objective(random: Random, case: Case) -> Outline | None:
    """Replaces an objective by one of which nobody can see whether it is reached."""
    if case.language not in _VAGUE:
        return None

    def changed(plan: LessonPlan) -> dict[str, Any]:
        vague = random.choice(_VAGUE[case.language]).format(random.choice(plan.key_concepts))
        return {"learning_objectives": (*plan.learning_objectives[:-1], vague)}

    return _with_plan(random, case.outline, changed)


def repeated_objective(random: Random, case: Case) -> Outline | None:
    """Puts an objective into a lesson twice, as it is, in capitals or with a full stop."""

    def changed(plan: LessonPlan) -> dict[str, Any]:
        again = random.choice(plan.learning_objectives)
        again = random.choice((again, again.upper(), f"{again}."))
        return {"learning_objectives": (*plan.learning_objectives, again)}

    return _with_plan(random, case.outline, changed)


def leak(random: Random, case: Case) -> Outline | None:
    """Puts words into a description that were meant for somebody other than the learner."""
    said = random.choice(_LEAKS)
    return _with_plan(random, case.outline, lambda plan: {"description": said.format(plan.description)})


def in_another_language(random: Random, case: Case) -> Outline | None:
    """Replaces the lessons by those of an outline in another language."""
    written = [other for other in by_hand() if other.language in other_languages(case)]
    lessons = random.choice(written).outline.lessons
    again = [
        plan.model_copy(update={"lesson_number": number + 1})
        for number, plan in enumerate(lessons[index % len(lessons)] for index in range(case.brief.num_lessons))
    ]
    return case.outline.model_copy(update={"lessons": tuple(again), "description": lessons[0].description})


def _fault(name: str, gate: str, plant: Callable[[Random, Case], Outline | None]) -> OutlineFault:
    return OutlineFault(f"outline: {name}", frozenset({gate}), plant)


OUTLINE_FAULTS = (
    _fault("wrong number of lessons", "lesson_count", wrong_count),
    _fault("twin titles", "alike_titles", twin_titles),
    _fault("vague objective", "vague_objective", vague_objective),
    _fault("objective said twice", "repeated_objective", repeated_objective),
    _fault("leak", "outline_leak", leak),
    _fault("another language", "outline_language", in_another_language),
)
