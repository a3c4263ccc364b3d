"""The check of the model's server: it writes a course of one lesson and says what that has shown.

Nothing is stored. The lesson goes the way of every lesson, with its review and its repair, so what a course would meet
is met here.
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from src.config import OpenAISettings
from src.domain.course import Claim, Failed, Finished, Outcome, Postponed
from src.domain.errors import CourseError
from src.domain.finding import Finding
from src.domain.lesson import Lesson
from src.domain.model_call import ModelCall, RecordCall
from src.domain.outline import Outline
from src.domain.quality.repair_choice import RepairChoice
from src.domain.redaction import Redactor
from src.domain.request import CourseBrief
from src.domain.source import Passage
from src.domain.stored_course import StoredLesson, stored_lesson
from src.services.course_generator import CourseGenerator
from src.services.model.address import Address
from src.services.model.language_model import OpenAIModel
from src.services.model.server import ModelServer

_BRIEF = CourseBrief(topic="The Water Cycle", grade_level="Grade 6", num_lessons=1)
_PASSAGES = (
    Passage(
        "check/water-cycle.md",
        "How water moves",
        "Water moves all the time between the sea, the air and the land. The sun warms the sea, and some of its water"
        " turns into vapour, a gas that nobody can see. This is called evaporation. Plants give off vapour too, by way"
        " of tiny holes in their leaves.",
        1.0,
    ),
    Passage(
        "check/water-cycle.md",
        "Clouds and rain",
        "Air that rises becomes colder. Cold air can hold less vapour than warm air, so part of the vapour turns back"
        " into tiny drops. This is called condensation, and many such drops together are a cloud. When the drops grow"
        " too heavy to float, they fall as rain, or as snow if it is cold enough.",
        0.9,
    ),
    Passage(
        "check/water-cycle.md",
        "On the ground",
        "Rain that falls on land runs into streams and rivers, and these carry it back to the sea. Some of it seeps"
        " into the ground instead, where it can stay for many years between sand and stones. People drill wells to"
        " reach it.",
        0.8,
    ),
)
_LESSONS_OF_A_COURSE = 10


@dataclass
class _Trial:
    """A course of one lesson in memory, with the passages that it rests on."""

    say: Callable[[str], None]
    calls: list[ModelCall] = field(default_factory=list)
    lesson: Lesson | None = None
    findings: list[Finding] = field(default_factory=list)

    async def search(
        self, query: str, source_filter: str | None, limit: int, record: RecordCall | None = None
    ) -> list[Passage]:
        return list(_PASSAGES)

    async def prefixes(self) -> list[str]:
        return []

    async def save_outline(
        self, claim: Claim, outline: Outline, calls: Sequence[ModelCall], findings: Sequence[Finding] = ()
    ) -> None:
        self._note("outline", calls, findings)
        self.say("Asking for its lesson …")

    async def save_lesson(self, claim: Claim, lesson: Lesson, calls: Sequence[ModelCall]) -> None:
        self._note("lesson", calls, lesson.quality.findings)
        self.lesson = lesson

    async def stored_lessons(self, claim: Claim) -> list[StoredLesson]:
        return [stored_lesson(self.lesson)] if self.lesson else []

    def _note(self, what: str, calls: Sequence[ModelCall], findings: Sequence[Finding]) -> None:
        self.calls += calls
        self.findings += findings
        seconds, tokens = _seconds(calls), _tokens(calls)
        self.say(f"  The {what} is there: {seconds:.1f} s, {tokens[0]} tokens in and {tokens[1]} out.")
        *before, last = calls
        for call in before:
            self.say(f"  Before it: {call.outcome}")
        if last.outcome != "ok":
            self.say(f"  It is {last.outcome}")

    def progress(self, claim: Claim, outline: Outline, lesson_number: int | None, done: int) -> None:
        """Says nothing more than what was said when the step was saved."""


async def check(config: OpenAISettings, redact: Redactor, say: Callable[[str], None]) -> bool:
    """Tries the model's server, and says line by line what it can; returns whether courses can be written with it.

    Raises what `ModelServer` does if the settings can't work at all.
    """
    server = ModelServer(config, on_retry=lambda error: say(f"  Asked again: {error}"))
    model = OpenAIModel(server, config, redact)
    reviews = ThreadPoolExecutor(1)
    trial = _Trial(say)
    try:
        say(f"The model's server: {Address.given(config.base_url).base_url}, model {config.model}")
        await _name_models(server, config, say)
        say("Asking for the outline of a course of one lesson …")
        generator = CourseGenerator(model, trial, trial, trial.progress, None, "preferred", reviews, RepairChoice())
        left: list[ModelCall] = []
        outcome = await generator.generate(_claim(), left)
        trial.calls += left
    finally:
        reviews.shutdown()
        await server.close()
    _report(trial, model, config, say)
    return _verdict(outcome, say)


def _claim() -> Claim:
    return Claim(
        course_id=uuid4(),
        lease_id=uuid4(),
        attempt=1,
        user_id=uuid4(),
        request_id=None,
        saved_lessons=frozenset(),
        postponements=0,
        postponed_for=0.0,
        tokens=0,
        brief=_BRIEF,
        outline=None,
    )


async def _name_models(server: ModelServer, config: OpenAISettings, say: Callable[[str], None]) -> None:
    """Says which models the server names, if it names any and the ones that are set aren't among them."""

    async def _list() -> Any:
        return await server.client.models.list()

    try:
        page = await server.ask_once(_list)
        names = sorted(str(model.id) for model in page.data or ())
    except (CourseError, AttributeError, TypeError):
        return  # many servers have no such list
    for setting, name in (("OPENAI_MODEL", config.model), ("OPENAI_MODEL_OUTLINE", config.model_outline)):
        if name is not None and names and name not in names:
            shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
            default = " (the default)" if setting.lower().removeprefix("openai_") not in config.model_fields_set else ""
            say(f"  {setting}={name}{default} is none of the models that it names: {shown}")


def _report(trial: _Trial, model: OpenAIModel, config: OpenAISettings, say: Callable[[str], None]) -> None:
    if any(not call.outcome.startswith("error") for call in trial.calls):
        for name in dict.fromkeys((config.model_outline or config.model, config.model)):
            say(f"What {name} is sent: {model.takes(name)}")
        answered = dict.fromkeys(call.model for call in trial.calls if not call.outcome.startswith("error"))
        say(f"By its own account it was answered by {', '.join(answered)}")
    mended = dict.fromkeys(
        part
        for call in trial.calls
        if "mended: " in call.outcome
        for part in call.outcome.partition("mended: ")[2].partition(";")[0].split(", ")
    )
    if mended:
        say(f"What had to be mended in its answers: {', '.join(mended)}")
    for finding in trial.findings:
        say(f"What the review found: {finding}")
    if trial.lesson is not None:
        _estimate(trial, config, say)
    if trial.lesson is not None and (settings := model.learned()):
        say("These lines of .env spare the attempts:")
        for line in settings:
            say(f"  {line}")


def _estimate(trial: _Trial, config: OpenAISettings, say: Callable[[str], None]) -> None:
    outline = [call for call in trial.calls if call.purpose == "outline"]
    lesson = [call for call in trial.calls if call.purpose == "lesson"]
    times = _LESSONS_OF_A_COURSE
    tokens = sum(_tokens(outline)) + times * sum(_tokens(lesson))
    together, one_by_one = _seconds(outline) + _seconds(lesson), _seconds(outline) + times * _seconds(lesson)
    costs = [call.cost for call in (*outline, *lesson)]
    cost = ""
    if all(each is not None for each in costs):
        dollars = sum(call.cost or 0 for call in outline) + times * sum(call.cost or 0 for call in lesson)
        cost = f" and {dollars:.2f} US dollars"
    say(
        f"A course of {times} lessons takes some {math.ceil(tokens / 1000)},000 tokens{cost}, and between"
        f" {math.ceil(together)} s, if the server writes all lessons at once, and {math.ceil(one_by_one)} s, if it"
        " writes one after the other."
    )
    longest = max((call.seconds for call in (*outline, *lesson)), default=0.0)
    if longest > config.deadline / 2:
        say(
            f"  Its longest call took {longest:.0f} s. Courses have harder ones: set OPENAI_DEADLINE and"
            " OPENAI_LESSON_DEADLINE to several times that, and COURSE_DEADLINE to what a whole course takes."
        )


def _verdict(outcome: Outcome, say: Callable[[str], None]) -> bool:
    match outcome:
        case Finished():
            say("Courses can be written with it.")
            return True
        case Failed(code, message):
            say(f"No course can be written with it ({code}): {message}")
        case Postponed(message):
            say(f"No course can be written with it: {message}")
        case _:
            say(f"The check ended unexpectedly: {outcome}")
    return False


def _seconds(calls: Sequence[ModelCall]) -> float:
    return sum(call.seconds for call in calls)


def _tokens(calls: Sequence[ModelCall]) -> tuple[int, int]:
    return sum(call.input_tokens for call in calls), sum(call.output_tokens for call in calls)
