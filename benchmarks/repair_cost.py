"""Measures what repairs cost the buyer: the share of a course's tokens that goes into them, without any service.

    python -m benchmarks.repair_cost [--seed 1] [--rounds 2] [--errors 1.0]

The outlines and lessons of the corpus are written by a model that errs: its first answer has faults, planted at the
rates of `error_rates.py`, and what it is asked for again comes without. Everything else is the worker's own: questions,
reviews, the choice of what is repaired, and the calls that go on record. Tokens are estimated from the characters of
what is sent and of what comes, on both sides alike. Exits with 1 if REPAIR=weighed, the default, spends more than 15 %
on repairs.
"""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, get_args
from uuid import uuid4

import structlog

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # if this is run as a file

from benchmarks.clean_lessons import Case, by_hand
from benchmarks.error_rates import OUTLINE_RATES, RATES
from benchmarks.gates import FAULTS
from benchmarks.outline_faults import OUTLINE_FAULTS
from benchmarks.planting import Fault
from src.config import OpenAISettings
from src.devtools.stand_in_call import Call
from src.devtools.stand_in_lesson import parts_of
from src.domain.course import Claim, Failed, Finished
from src.domain.finding import Finding
from src.domain.lesson import Lesson
from src.domain.model_call import ModelCall, RecordCall, estimated_tokens
from src.domain.outline import Outline
from src.domain.quality.repair_choice import RepairChoice, RepairMode
from src.domain.quality.review import Reviewed, review_outline
from src.domain.redaction import Redactor
from src.domain.source import Passage
from src.domain.stored_course import StoredLesson
from src.services.course_generator import CourseGenerator
from src.services.model.budget import TokenBudget
from src.services.model.chat_request import ChatRequest
from src.services.model.completion import Completion
from src.services.model.language_model import OpenAIModel
from src.services.model.prompts import outline_question
from src.services.model.question import Written
from src.services.model.server import ModelServer

MOST_SHARE = 0.15
_TRIES = 6


@dataclass
class Spent:
    """What one mode has spent."""

    tokens: float = 0
    repair_tokens: float = 0
    lessons: int = 0
    repaired: int = 0
    failed: int = 0
    left: int = 0
    """Soft findings that stayed in the lessons."""

    @property
    def share(self) -> float:
        """The share of the tokens that went into repairs."""
        return self.repair_tokens / self.tokens if self.tokens else 0.0

    def add(self, calls: Iterable[ModelCall], lessons: int = 1) -> None:
        """Counts calls that served so many lessons, for one of them."""
        for call in calls:
            self.tokens += call.tokens / lessons
            self.repair_tokens += call.tokens / lessons if call.repair else 0


class ErringModel(OpenAIModel):
    """A model that writes the lessons of the corpus: at first with faults, and when it is asked again without."""

    def __init__(
        self, server: ModelServer, config: OpenAISettings, first: dict[str, Any], clean: dict[str, Any]
    ) -> None:
        super().__init__(server, config, Redactor())
        self._first, self._clean = first, clean

    async def _sent(self, request: ChatRequest) -> Completion:
        messages, parts = request.body["messages"], Call.parsed(request.body).parts
        is_again = any(message["role"] == "assistant" for message in messages)
        answer = self._clean if is_again else self._first
        text = json.dumps(answer if parts is None else parts_of(answer, parts), ensure_ascii=False)
        usage = {
            "prompt_tokens": sum(estimated_tokens(message["content"]) for message in messages),
            "completion_tokens": estimated_tokens(text),
        }
        return Completion("a model that errs", text, finish_reason="stop", usage=usage)


@dataclass
class _Course:
    """A course of which one lesson is still to be written: its sources and its record."""

    case: Case
    lesson: Lesson | None = None
    calls: list[ModelCall] = field(default_factory=list)

    async def search(
        self, query: str, source_filter: str | None, limit: int, record: RecordCall | None = None
    ) -> list[Passage]:
        return list(self.case.passages)

    async def prefixes(self) -> list[str]:
        return []

    async def save_outline(
        self, claim: Claim, outline: Outline, calls: Sequence[ModelCall], findings: Sequence[Finding] = ()
    ) -> None:
        raise NotImplementedError

    async def save_lesson(self, claim: Claim, lesson: Lesson, calls: Sequence[ModelCall]) -> None:
        self.lesson = lesson
        self.calls += calls

    async def stored_lessons(self, claim: Claim) -> list[StoredLesson]:
        return []

    def claim(self) -> Claim:
        """Returns the claim of the course, whose other lessons are saved."""
        numbers = {plan.lesson_number for plan in self.case.outline.lessons}
        return Claim(
            course_id=uuid4(),
            lease_id=uuid4(),
            attempt=1,
            user_id=uuid4(),
            request_id=None,
            saved_lessons=frozenset(numbers - {self.case.plan.lesson_number}),
            postponements=0,
            postponed_for=0.0,
            tokens=0,
            brief=self.case.brief,
            outline=self.case.outline,
        )


def erred(random: Random, cases: Sequence[Case], errors: float) -> tuple[list[Case], list[Outline], int]:
    """Returns the lessons and their outlines with faults, and how many faults the lessons have.

    Each kind is planted into as many of them as its rate times `errors` says, in lessons drawn by lot.
    """
    worse, number = list(cases), 0
    for fault in (it for it in FAULTS if isinstance(it, Fault)):
        wanted = _rounded(random, RATES.get(fault.name, 0.0) * errors * len(cases))
        for index in random.sample(range(len(cases)), len(cases)) if wanted else ():
            if wanted and (planted := _with_fault(random, worse[index], fault)):
                worse[index], number, wanted = planted, number + 1, wanted - 1
    outlines = [case.outline for case in cases]
    for outline_fault in OUTLINE_FAULTS:
        wanted = _rounded(random, OUTLINE_RATES.get(outline_fault.name, 0.0) * errors * len(cases))
        for index in random.sample(range(len(cases)), min(wanted, len(cases))):
            case = replace(cases[index], outline=outlines[index])
            outlines[index] = outline_fault.plant(random, case) or outlines[index]
    return worse, outlines, number


def _rounded(random: Random, number: float) -> int:
    return int(number) + (random.random() < number % 1)


def _with_fault(random: Random, case: Case, fault: Fault) -> Case | None:
    """Returns the lesson with one more fault; None if there is no place for it alone.

    Who plants a fault changes words, which may be those that a question rests on. A model quotes what it wrote itself,
    so a fault that brings another one with it is planted elsewhere.
    """
    for _ in range(_TRIES):
        worse = fault.plant(random, case)
        if worse is not None and {finding.gate for finding in worse.findings - case.findings} <= fault.gates:
            return worse
    return None


async def spent(mode: RepairMode, cases: Sequence[tuple[Case, Case, Outline]], reviews: Executor) -> Spent:
    """Has every lesson written, with its share of its outline. A case: as it is meant, and as it comes at first."""
    total, choice = Spent(), RepairChoice(mode)
    config = OpenAISettings(_env_file=None, base_url="http://127.0.0.1:9/v1", json_mode="schema", stream="off")
    server = ModelServer(config)
    try:
        for clean, first, first_outline in cases:
            lessons = len(clean.outline.lessons)
            total.add(await _outline(server, config, clean, first_outline, choice), lessons)
            course = _Course(clean)
            model = ErringModel(server, config, _json(first.text), _json(clean.text))
            generator = CourseGenerator(model, course, course, _nobody, None, "preferred", reviews, choice)
            outcome = await generator.generate(course.claim(), course.calls)
            if not isinstance(outcome, Finished | Failed):
                raise RuntimeError(f"{clean.name}: {outcome}")
            total.add(course.calls)
            total.lessons += 1
            total.repaired += any(call.repair for call in course.calls)
            total.failed += isinstance(outcome, Failed)
            total.left += len(course.lesson.quality.findings) if course.lesson else 0
    finally:
        await server.close()
    return total


async def _outline(
    server: ModelServer, config: OpenAISettings, case: Case, first: Outline, choice: RepairChoice
) -> list[ModelCall]:
    async def review(outline: Outline, _written: Written) -> Reviewed[Outline]:
        return review_outline(outline, case.brief)

    calls: list[ModelCall] = []
    brief = case.brief.model_copy(update={"num_lessons": len(case.outline.lessons)})
    model = ErringModel(server, config, _json(first), _json(case.outline))
    question = replace(outline_question(brief, case.passages, review), repairs=choice)
    await model.ask(question, TokenBudget(None), calls.append)
    return calls


def _json(answer: Any) -> dict[str, Any]:
    return dict(answer.model_dump(mode="json"))


def _nobody(*_: object) -> None:
    """Is told of progress."""


def main(write: Callable[[str], None] = print) -> None:
    """Prints what each mode spends; exits with 1 if the default spends too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=2, help="how often each lesson is written, with other faults")
    parser.add_argument("--errors", type=float, default=1.0, help="a model that errs so many times as often")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    clean = [case for _ in range(options.rounds) for case in by_hand()]
    worse, outlines, number = erred(Random(options.seed), clean, options.errors)
    cases = list(zip(clean, worse, outlines, strict=True))
    faulty = sum(case is not other for case, other, _ in cases)
    write(f"{len(cases)} lessons, {faulty} of them with {number} faults; left: findings for each lesson that was kept")
    write(f"{'REPAIR':8} {'repaired':>8} {'failed':>7} {'left':>6} {'tokens':>10} {'of repairs':>10} {'share':>7}")
    shares = {}
    with ThreadPoolExecutor(1) as reviews:
        for mode in get_args(RepairMode):
            done = asyncio.run(spent(mode, cases, reviews))
            shares[mode] = done.share
            left = done.left / max(1, done.lessons - done.failed)
            write(
                f"{mode:8} {done.repaired:8} {done.failed:7} {left:6.2f} {done.tokens:10,.0f}"
                f" {done.repair_tokens:10,.0f} {done.share:7.1%}"
            )
    if shares["weighed"] > MOST_SHARE:
        sys.exit(f"REPAIR=weighed spends more than {MOST_SHARE:.0%} on repairs")


if __name__ == "__main__":
    main()
