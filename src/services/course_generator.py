"""Writes a course: outline, then the lessons side by side, each saved as it is finished."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog
from pydantic import ValidationError

from src.domain.backoff import backoff
from src.domain.course import Broken, Claim, Failed, Finished, HandedBack, Lost, ModelCall, Outcome, Postponed
from src.domain.errors import (
    CourseError,
    LeaseLost,
    ModelAccessDenied,
    ModelUnavailable,
    NoSources,
    SourcesAway,
    Stopping,
)
from src.domain.lesson import Lesson
from src.domain.outline import LessonPlan, Outline
from src.domain.request import CourseBrief
from src.domain.source import Passage
from src.services.crash_points import crash_point
from src.services.language_model import LanguageModel
from src.services.prompts import lesson_question, outline_question
from src.services.source_search import SourceSearch
from src.services.token_budget import TokenBudget

_log = structlog.get_logger(__name__)

_OUTLINE_PASSAGES = 12
_LESSON_PASSAGES = 8

# What the model's own retries didn't get over is over in seconds at best; see `_postponed`.
_FIRST_POSTPONEMENT = 5.0
_LONGEST_POSTPONEMENT = 600.0


class CourseRecord(Protocol):
    """What the generator saves to. A call is done whole or not at all; it raises `LeaseLost` where it may not write."""

    async def save_outline(self, claim: Claim, outline: Outline, calls: Sequence[ModelCall]) -> None:
        """Keeps the outline, and the model calls that it took."""
        ...

    async def save_lesson(self, claim: Claim, lesson: Lesson, calls: Sequence[ModelCall]) -> None:
        """Keeps a finished lesson, and the model calls that it took."""
        ...


Progress = Callable[[Claim, Outline, int | None, int], None]
"""Told after each saved step: the claim, the outline, the lesson's number (None: the outline), lessons done so far."""


class CourseGenerator:
    """Writes what is still missing of a course. Holds nothing of a course between calls, so one serves all slots."""

    def __init__(
        self,
        model: LanguageModel,
        sources: SourceSearch,
        record: CourseRecord,
        progress: Progress,
        max_lessons: int,
        max_tokens: int | None,
    ) -> None:
        """`max_tokens`: of one course, over all of its attempts; None is no limit."""
        self._model = model
        self._sources = sources
        self._record = record
        self._progress = progress
        self._max_lessons = max_lessons
        self._max_tokens = max_tokens

    async def generate(self, claim: Claim, calls: list[ModelCall]) -> Outcome:
        """Works on the course until every lesson is saved or something ends the attempt; returns how it ended.

        `calls` gets the model calls that no saved step has recorded yet, also where this is cancelled.
        """
        try:
            brief = CourseBrief.checked(claim.wanted, self._max_lessons)
            budget = TokenBudget(self._max_tokens, claim.tokens)
            outline = await self._outline(claim, brief, budget, calls)
            await self._lessons(claim, brief, outline, budget, calls)
        except LeaseLost:
            return Lost()
        except Stopping:
            return HandedBack()
        except SourcesAway as error:
            return HandedBack(str(error))
        except ModelUnavailable as error:
            return _postponed(claim, error)
        except CourseError as error:
            return Failed(error.code, str(error))
        except Exception as error:
            _log.exception("a course met an unexpected error", action="course_broken")
            return Broken.by(error)
        return Finished()

    async def _outline(self, claim: Claim, brief: CourseBrief, budget: TokenBudget, calls: list[ModelCall]) -> Outline:
        if saved := _saved_outline(claim, brief):
            return saved
        passages = await self._sources.search(brief.topic, brief.source_filter, _OUTLINE_PASSAGES)
        await self._require_sources(brief, passages)
        answer = await self._model.ask(outline_question(brief, passages), budget, calls.append)
        await self._record.save_outline(claim, answer.value, calls)
        calls.clear()
        _log.info("the outline is saved", action="outline_saved", lessons=len(answer.value.lessons))
        self._progress(claim, answer.value, None, len(claim.saved_lessons))
        return answer.value

    async def _lessons(
        self, claim: Claim, brief: CourseBrief, outline: Outline, budget: TokenBudget, calls: list[ModelCall]
    ) -> None:
        saved = set(claim.saved_lessons)
        missing = [plan for plan in outline.lessons if plan.lesson_number not in saved]
        tasks = [
            asyncio.create_task(self._lesson(claim, brief, outline, plan, saved, budget, calls)) for plan in missing
        ]
        try:
            # When one fails, the others are let finish: they are being paid for, and the next attempt has them.
            results = await asyncio.gather(*tasks, return_exceptions=True)
        except asyncio.CancelledError:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise
        errors = [result for result in results if isinstance(result, BaseException)]
        if errors:
            raise _gravest(errors)

    async def _lesson(
        self,
        claim: Claim,
        brief: CourseBrief,
        outline: Outline,
        plan: LessonPlan,
        saved: set[int],
        budget: TokenBudget,
        calls: list[ModelCall],
    ) -> None:
        passages = await self._passages(brief, plan)
        own_calls: list[ModelCall] = []
        try:
            answer = await self._model.ask(lesson_question(brief, outline, plan, passages), budget, own_calls.append)
            crash_point("lesson_answered")
            lesson = Lesson.assembled(plan, answer.value, passages, answer.written_by)
            await self._record.save_lesson(claim, lesson, own_calls)
        except BaseException:
            calls += own_calls
            raise
        saved.add(plan.lesson_number)
        _log.info("a lesson is saved", action="lesson_saved", lesson=plan.lesson_number, of=len(outline.lessons))
        self._progress(claim, outline, plan.lesson_number, len(saved))

    async def _passages(self, brief: CourseBrief, plan: LessonPlan) -> list[Passage]:
        query = " ".join((plan.title, *plan.key_concepts))
        passages = await self._sources.search(query, brief.source_filter, _LESSON_PASSAGES)
        if not passages:
            passages = await self._sources.search(brief.topic, brief.source_filter, _LESSON_PASSAGES)
        await self._require_sources(brief, passages)
        return passages

    async def _require_sources(self, brief: CourseBrief, passages: Sequence[Passage]) -> None:
        if not brief.source_filter or passages:
            return
        message = f"source_filter: no source was found under '{brief.source_filter}'"
        try:
            there = await self._sources.prefixes()
        except CourseError:
            raise NoSources(message) from None  # a server may know how to search and not how to list
        raise NoSources(f"{message}; there are {', '.join(there)}" if there else f"{message}: the library names none")


def _saved_outline(claim: Claim, brief: CourseBrief) -> Outline | None:
    """The outline of an earlier attempt. One that doesn't fit (it may come with a plain INSERT) is written anew."""
    if claim.outline is None:
        return None
    try:
        outline = Outline.model_validate(claim.outline)
    except ValidationError:
        if claim.saved_lessons:
            raise
        return None
    return outline if claim.saved_lessons or not outline.faults(brief.num_lessons) else None


def _gravest(errors: Sequence[BaseException]) -> BaseException:
    """The one of several lessons' errors that decides how the attempt ends."""
    return min(errors, key=_gravity)


def _gravity(error: BaseException) -> int:
    match error:
        case LeaseLost():
            return 0  # forbids everything else
        case ModelAccessDenied():
            return 3
        case ModelUnavailable():
            return 4
        case Stopping() | SourcesAway():
            return 5  # the rest of the course could still be written
        case CourseError():
            return 1  # a verdict on the course beats any wait
        case _:
            return 2


def _postponed(claim: Claim, error: ModelUnavailable) -> Postponed:
    delay = backoff(claim.postponements + 1, _FIRST_POSTPONEMENT, _LONGEST_POSTPONEMENT)
    delay = max(delay, error.retry_after or 0)
    return Postponed(str(error), min(delay, 3600.0), isinstance(error, ModelAccessDenied))
