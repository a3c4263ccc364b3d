"""Writes a course: outline, then the lessons side by side, each saved as it is finished."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal, Protocol, TypeVar

import structlog

from src.domain.backoff import backoff
from src.domain.course import LONGEST_DELAY, Broken, Claim, Failed, Finished, HandedBack, Lost, Outcome, Postponed
from src.domain.errors import (
    CourseError,
    ErrorCode,
    LeaseLost,
    ModelAccessDenied,
    ModelFaultUnknown,
    ModelUnavailable,
    ModelUntrusted,
    NoSources,
    SourcesAway,
    Stopping,
)
from src.domain.finding import Finding
from src.domain.lesson import Lesson, LessonText, Origin
from src.domain.model_call import ModelCall
from src.domain.outline import LessonPlan, Outline
from src.domain.quality.draft import Grams, grams_of_lesson, statement_keys
from src.domain.quality.repair_choice import RepairChoice
from src.domain.quality.review import Reviewed, review_lesson, review_outline
from src.domain.request import CourseBrief
from src.domain.source import Passage
from src.domain.stored_course import StoredLesson, stored_lesson
from src.services.crash_points import crash_point
from src.services.model.budget import TokenBudget
from src.services.model.language_model import LanguageModel
from src.services.model.prompts import lesson_question, outline_question
from src.services.model.question import Question, Written
from src.services.sources.search import SourceSearch

T = TypeVar("T")

_log = structlog.get_logger(__name__)

_OUTLINE_PASSAGES = 12
_LESSON_PASSAGES = 8

# Seconds. A fault that outlasts the retries of the model or the database lasts some seconds at least; see `_postponed`.
_FIRST_POSTPONEMENT = 5.0
_LONGEST_POSTPONEMENT = 600.0


Grounding = Literal["required", "preferred", "off"]
"""Whether a course rests on sources: always (or it fails), if some are found, or only if a filter names them."""


class CourseRecord(Protocol):
    """The place that the generator saves to. Each call is done whole or not at all.

    A call raises `LeaseLost` if the attempt may not write any more.
    """

    async def save_outline(
        self, claim: Claim, outline: Outline, calls: Sequence[ModelCall], findings: Sequence[Finding] = ()
    ) -> None:
        """Saves the outline with the findings of its review, and the model calls that it took."""
        ...

    async def save_lesson(self, claim: Claim, lesson: Lesson, calls: Sequence[ModelCall]) -> None:
        """Saves a finished lesson, and the model calls that it took."""
        ...

    async def stored_lessons(self, claim: Claim) -> list[StoredLesson]:
        """Returns the lessons that are saved, in order."""
        ...


Progress = Callable[[Claim, Outline, int | None, int], None]
"""Called after each saved step, with the claim, the outline, the number of the lesson that was saved (None for the
outline), and how many lessons are done."""


@dataclass(slots=True)
class _Work:
    """The state of one attempt at one course."""

    claim: Claim
    budget: TokenBudget
    calls: list[ModelCall]
    """Model calls that no saved step has recorded yet."""
    saved: set[int]
    texts: dict[int, Grams] = field(default_factory=dict)
    """The runs of words in the lessons so far, by lesson number, which show if another lesson says the same.

    Only reviews, which go one after the other, read and write it, so the second of two such lessons is found out.
    """
    statements: dict[int, tuple[bool, ...]] = field(default_factory=dict)
    """Whether the true-or-false statements of these lessons are true."""

    @property
    def brief(self) -> CourseBrief:
        return self.claim.brief

    def reviewed(
        self, text: LessonText, plan: LessonPlan, passages: Sequence[Passage], origin: Origin, *, must_cite: bool
    ) -> Reviewed[Lesson]:
        """Reviews one version of a lesson against what the other lessons say."""
        others = {number: grams for number, grams in self.texts.items() if number != plan.lesson_number}
        said = {number: keys for number, keys in self.statements.items() if number != plan.lesson_number}
        reviewed = review_lesson(text, self.brief, plan, passages, others, origin, must_cite=must_cite, statements=said)
        # A version that can't be kept, or says the same as another lesson, gives way: no lesson is compared with it.
        if not reviewed.hard and not any(finding.gate == "overlap" for finding in reviewed.findings):
            self.keep(stored_lesson(reviewed.value))
        return reviewed

    def keep(self, *lessons: StoredLesson) -> None:
        """Remembers what lessons say, as the others should not say it again."""
        for lesson in lessons:
            self.texts[lesson.lesson_number] = grams_of_lesson(lesson)
            self.statements[lesson.lesson_number] = statement_keys(lesson)


class CourseGenerator:
    """Writes what a course still lacks. It keeps no state of a course between calls, so one serves all slots."""

    def __init__(
        self,
        model: LanguageModel,
        sources: SourceSearch,
        record: CourseRecord,
        progress: Progress,
        max_tokens: int | None,
        grounding: Grounding,
        reviews: Executor,
        repairs: RepairChoice,
    ) -> None:
        """`max_tokens` limits one course, over all of its attempts; None is no limit.

        `reviews` has one thread, for the courses of all slots. Reviews are work for the processor: several at once
        would only take the interpreter from each other. `repairs` says which findings are worth their price.
        """
        self._model = model
        self._sources = sources
        self._record = record
        self._progress = progress
        self._max_tokens = max_tokens
        self._grounding = grounding
        self._reviews = reviews
        self._repairs = repairs

    async def generate(self, claim: Claim, calls: list[ModelCall]) -> Outcome:
        """Works on the course until every lesson is saved or something ends the attempt; returns how it ended.

        `calls` gets the model calls that no saved step has recorded yet, even if this is cancelled.
        """
        try:
            work = _Work(claim, TokenBudget(self._max_tokens, claim.tokens), calls, set(claim.saved_lessons))
            await self._lessons(work, claim.outline or await self._outline(work))
        except LeaseLost:
            return Lost()
        except Stopping:
            return HandedBack()
        except (ModelUnavailable, SourcesAway) as error:
            return _postponed(claim, error)
        except CourseError as error:
            return Failed(error.code, str(error))
        except Exception as error:
            _log.exception("a course met an unexpected error", action="course_broken")
            return Broken.by(error)
        return Finished()

    async def _outline(self, work: _Work) -> Outline:
        passages = await self._found(work, None, work.calls, _OUTLINE_PASSAGES, work.brief.topic)

        async def review(outline: Outline, _written: Written) -> Reviewed[Outline]:
            return await self._in_review(partial(review_outline, outline, work.brief))

        question = replace(outline_question(work.brief, passages, review), repairs=self._repairs)
        reviewed = await self._model.ask(question, work.budget, work.calls.append)
        outline = reviewed.value
        await self._record.save_outline(work.claim, outline, work.calls, reviewed.findings)
        work.calls.clear()
        _log.info("the outline is saved", action="outline_saved", lessons=len(outline.lessons))
        self._report(work, outline, None)
        return outline

    async def _lessons(self, work: _Work, outline: Outline) -> None:
        missing = [plan for plan in outline.lessons if plan.lesson_number not in work.saved]
        if missing and work.saved:
            work.keep(*await self._record.stored_lessons(work.claim))
        tasks = [asyncio.create_task(self._lesson(work, outline, plan)) for plan in missing]
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

    async def _lesson(self, work: _Work, outline: Outline, plan: LessonPlan) -> None:
        own_calls: list[ModelCall] = []
        try:
            queries = (" ".join((plan.title, *plan.key_concepts)), work.brief.topic)
            passages = await self._found(work, plan.lesson_number, own_calls, _LESSON_PASSAGES, *queries)
            question = self._question(work, outline, plan, passages)
            reviewed = await self._model.ask(question, work.budget, own_calls.append)
            if reviewed.findings:  # the version that is kept may not be the one reviewed last
                await self._in_review(partial(work.keep, stored_lesson(reviewed.value)))
            crash_point("lesson_answered")
            await self._record.save_lesson(work.claim, _with_price(reviewed.value, own_calls), own_calls)
        except BaseException:
            work.calls += own_calls
            raise
        work.saved.add(plan.lesson_number)
        _log.info(
            "a lesson is saved",
            action="lesson_saved",
            lesson=plan.lesson_number,
            of=len(outline.lessons),
            findings=[finding.gate for finding in reviewed.findings],
        )
        self._report(work, outline, plan.lesson_number)

    def _report(self, work: _Work, outline: Outline, lesson_number: int | None) -> None:
        try:
            self._progress(work.claim, outline, lesson_number, len(work.saved))
        except Exception as error:  # telemetry never breaks work
            _log.warning("a step can't be reported", action="progress_failed", error=repr(error))

    def _question(
        self, work: _Work, outline: Outline, plan: LessonPlan, passages: Sequence[Passage]
    ) -> Question[LessonText, Lesson]:
        must_cite = bool(work.brief.source_filter) or self._grounding == "required"

        async def review(text: LessonText, written: Written) -> Reviewed[Lesson]:
            origin = Origin(written.model, question.prompt.version, question.prompt.digest)
            given = passages[: len(passages) - written.passages_left_out]
            reviewed = await self._in_review(partial(work.reviewed, text, plan, given, origin, must_cite=must_cite))
            quality = replace(reviewed.value.quality, passages_left_out=written.passages_left_out)
            return replace(reviewed, value=replace(reviewed.value, quality=quality))

        question = lesson_question(work.brief, outline, plan, passages, review, fewest_passages=int(must_cite))
        question = replace(question, repairs=self._repairs)
        return question

    async def _in_review(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reviews, work)

    async def _found(
        self, work: _Work, lesson: int | None, calls: list[ModelCall], limit: int, *queries: str
    ) -> list[Passage]:
        """Returns the passages for the first query that finds any. Raises `NoSources` if none does but some must.

        A filter asks for just these sources: without them there is no course.
        """
        brief = work.brief

        def record(call: ModelCall) -> None:
            work.budget.spend(call.budget_tokens)
            calls.append(replace(call, lesson_number=lesson))

        if self._grounding == "off" and not brief.source_filter:
            return []
        for query in queries:
            if passages := await self._sources.search(query, brief.source_filter, limit, record):
                return passages
        if not brief.source_filter and self._grounding != "required":
            return []
        raise await self._nothing_found(brief)

    async def _nothing_found(self, brief: CourseBrief) -> NoSources:
        wanted = (
            f"source_filter: no source was found under '{brief.source_filter}'"
            if brief.source_filter
            else "topic: no source was found for it, and this worker's GROUNDING requires some"
        )
        try:
            there = await self._sources.prefixes()
        except CourseError:
            return NoSources(wanted)  # a server may know how to search and not how to list
        return NoSources(f"{wanted}; there are {', '.join(there)}" if there else f"{wanted}; the library names none")


def _with_price(lesson: Lesson, calls: Sequence[ModelCall]) -> Lesson:
    """Returns the lesson with the tokens on record that it took."""
    tokens = sum(call.tokens for call in calls)
    repair_tokens = sum(call.tokens for call in calls if call.repair)
    return replace(lesson, quality=replace(lesson.quality, tokens=tokens, repair_tokens=repair_tokens))


def _gravest(errors: Sequence[BaseException]) -> BaseException:
    """Returns that of the lessons' errors which decides how the attempt ends."""
    return min(errors, key=_gravity)


def _gravity(error: BaseException) -> int:
    match error:
        case LeaseLost():
            return 0  # forbids everything else
        case ModelAccessDenied():
            return 3
        case ModelUnavailable():
            return 4
        case SourcesAway():
            return 5
        case Stopping():
            return 6  # the rest of the course could still be written
        case CourseError():
            return 1  # a verdict on the course beats any wait
        case _:
            return 2


def _postponed(claim: Claim, error: ModelUnavailable | SourcesAway) -> Postponed:
    delay = backoff(claim.postponements + 1, _FIRST_POSTPONEMENT, _LONGEST_POSTPONEMENT)
    delay = min(max(delay, error.retry_after or 0), LONGEST_DELAY)
    if isinstance(error, SourcesAway):
        return Postponed(str(error), delay, ErrorCode.INTERNAL)
    match error:
        case ModelUntrusted():
            return Postponed(str(error), delay, stop="host")
        case ModelFaultUnknown():
            return Postponed(str(error), delay, stop="unknown")
        case ModelAccessDenied():
            return Postponed(str(error), delay, stop="setting")
        case _:
            return Postponed(str(error), delay, stop="moment")
