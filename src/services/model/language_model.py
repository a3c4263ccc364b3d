"""Asking the language model: a question goes in, a validated and reviewed answer comes out.

`question.py` says what is asked, `answers.py` reads what comes back, and `server.py` makes the calls.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar
from uuid import uuid4

import httpx2
import openai
import structlog
from pydantic import BaseModel

from src.config import OpenAISettings
from src.domain.errors import (
    CourseError,
    ModelOutputInvalid,
    ModelRefused,
    ModelUnavailable,
    PromptTooLong,
    Stopping,
)
from src.domain.finding import Finding
from src.domain.model_call import ModelCall, counted_tokens
from src.domain.quality.review import Reviewed
from src.domain.redaction import Redactor
from src.domain.text import printable
from src.services.model.abilities import (
    GAVE_UP_WAITING,
    Abilities,
    AbilityMemory,
    as_slow,
    narrowed,
    stepped_down,
)
from src.services.model.answers import Answer, in_short, read_answer, tokens_taken
from src.services.model.blame import blame
from src.services.model.budget import TokenBudget
from src.services.model.chat_request import ChatRequest, chat_request, model_for
from src.services.model.complaint import Complaint
from src.services.model.completion import Completion, received
from src.services.model.object_in_text import MOST_CHARACTERS
from src.services.model.question import ChatMessage, Parts, Question, schema_in_words
from src.services.model.server import ModelServer, complaint_of, judged

A = TypeVar("A", bound=BaseModel)
R = TypeVar("R")

_log = structlog.get_logger(__name__)

_SLOW, _ALL_OF_IT = 0.25, 0.9
"""The shares of OPENAI_TIMEOUT that an answer takes if the next one is to be streamed, and that one was waited for."""


class LanguageModel(Protocol):
    """What the course generator needs of a model."""

    async def ask(
        self, question: Question[A, R], budget: TokenBudget, record: Callable[[ModelCall], None]
    ) -> Reviewed[R]:
        """Returns the reviewed answer to `question`; `record` is given every call that it took, failed ones included.

        Raises `ModelUnavailable`, `ModelAccessDenied`, `ModelRefused`, `ModelOutputInvalid`, `BudgetExceeded`, or
        `Stopping`.
        """
        ...


@dataclass(slots=True)
class _Asking(Generic[A, R]):
    """A question on its way to an answer."""

    question: Question[A, R]
    budget: TokenBudget
    record: Callable[[ModelCall], None]
    deadline: asyncio.Timeout
    at_length: bool = False
    """Whether the answer may be as long as any, as one was cut off before."""
    repairing: bool = False
    """Whether an answer was sent back, so that each call from here on is one of a repair."""
    passages_left_out: int = 0
    """How many passages there was no room for when all of the answer, or a part that rests on them, was asked for."""
    usable: Reviewed[R] | None = None
    """A version that is paid for and can be kept, while a better one is asked for."""


class OpenAIModel:
    """A `LanguageModel` behind the chat completions API. It asks no new question once its server was told to stop."""

    def __init__(self, server: ModelServer, config: OpenAISettings, redact: Redactor) -> None:
        """`redact` cleans what servers say in errors and refusals: it goes on record, and may repeat a key."""
        self._server = server
        self._config = config
        self._redact = redact
        self._memory = AbilityMemory(config)

    def takes(self, model: str) -> str:
        """Says what is sent to `model`, as far as is known of it now."""
        return self._memory.of(model).described()

    def learned(self) -> list[str]:
        """Returns the settings that say from the start what was found out so far."""
        return self._memory.settings()

    async def ask(
        self, question: Question[A, R], budget: TokenBudget, record: Callable[[ModelCall], None]
    ) -> Reviewed[R]:
        """Asks `question`; see `LanguageModel.ask`.

        An answer that was cut off or empty is asked for again. One of another shape is repaired, and so is one in which
        the review finds what is worth it. Each of these is done once at most, and of the last two versions the better
        is kept. One deadline covers all of it: `lesson_deadline` seconds from when the first call is opened.
        """
        asking: _Asking[A, R] | None = None
        try:
            async with asyncio.timeout(None) as deadline:
                asking = _Asking(question, budget, record, deadline)
                return await self._answer(asking)
        except TimeoutError:
            if asking is not None and asking.usable is not None:
                return asking.usable
            seconds = self._config.lesson_deadline
            raise ModelUnavailable(
                f"the model had not finished the {question.purpose} within {seconds:g} s (OPENAI_LESSON_DEADLINE)"
            ) from None

    async def _answer(self, asking: _Asking[A, R]) -> Reviewed[R]:
        step = asking.question.step
        answer = await self._asked(asking)
        if not answer.is_repairable:
            asking.at_length = True
            answer = await self._asked(asking)
            if not answer.is_repairable:
                raise ModelOutputInvalid(f"the model's {step} was {self._what_came(answer)}")
        if answer.reviewed is None:
            answer = await self._repaired(asking, answer)
        if answer.reviewed is None:
            raise ModelOutputInvalid(f"the model's {step} is wrong, also after repair: {in_short(answer.faults)}")
        kept = answer.reviewed
        if wanting := asking.question.repairs.of(kept.findings):
            kept = await self._bettered(asking, answer, kept, wanting)
        if kept.hard:
            found = in_short([str(finding) for finding in kept.hard])
            raise ModelOutputInvalid(f"the model's {step} can't be used, also after repair: {found}")
        return kept

    def _what_came(self, answer: Answer[Any, Any]) -> str:
        """Says what was wrong with an answer that was asked for twice and can't be repaired."""
        if not answer.cut_off:
            return "empty, also when it was asked for again"
        return (
            f"cut off at its length limit after {answer.tokens} tokens, also when it was asked for again:"
            f" OPENAI_MAX_OUTPUT_TOKENS allows {self._config.max_output_tokens}; if that is more, the model's server"
            " has a limit of its own, which is to be raised there"
        )

    async def _bettered(
        self, asking: _Asking[A, R], answer: Answer[A, R], kept: Reviewed[R], wanting: Sequence[Finding]
    ) -> Reviewed[R]:
        """Asks for a repair of `wanting`, found in `kept`, the review of `answer`; returns the better one of the two.

        If the repair fails, `kept` is returned; but if it has hard findings, so that it can't be kept, the error of
        the repair is raised.
        """
        asking.usable = None if kept.hard else kept
        try:
            repaired = (await self._repaired(asking, answer, wanting)).reviewed
        except (CourseError, Stopping) as error:
            if kept.hard:
                raise
            _log.warning("an answer is kept as it is", action="answer_kept", error=str(error) or type(error).__name__)
            return kept
        return repaired if repaired is not None and repaired.beats(kept) else kept

    async def _repaired(
        self, asking: _Asking[A, R], answer: Answer[A, R], wanting: Sequence[Finding] = ()
    ) -> Answer[A, R]:
        """Sends an answer back; `wanting` is what is to be put right in it if it could be reviewed."""
        asking.repairing = True
        parts = None
        if answer.value is not None and answer.reviewed is not None:
            parts = asking.question.parts(answer.value, wanting)
            # Where all of it is written anew, what wasn't worth a repair by itself may be put right as well.
            answer = replace(answer, faults=[str(it) for it in (wanting if parts else answer.reviewed.findings)])
        _log.warning(
            "the model's answer is repaired",
            action="answer_repair",
            step=asking.question.step,
            faults=answer.faults[:20],
        )
        model = model_for(asking.question, self._config)
        able = self._memory.of(model)
        if answer.is_misshapen and able.json_mode == "schema":
            # The server took the schema and didn't hold the model to it, so the model has never seen it.
            able = replace(able, schema_told=True)
            self._memory.learn(model, able)
        try:
            return await self._asked(asking, _repair_messages(answer, parts, able), parts)
        except PromptTooLong:
            if answer.reviewed is not None and not answer.reviewed.hard:
                raise  # it can be kept as it is
            # There is no room for that answer beside the question; but there is for the question.
            return await self._asked(asking)

    async def _asked(
        self, asking: _Asking[A, R], exchange: Sequence[ChatMessage] = (), parts: Parts[A] | None = None
    ) -> Answer[A, R]:
        """Makes one call within the budget, and reads and records what comes of it."""
        question, budget = asking.question, asking.budget
        able = self._memory.of(model_for(question, self._config))
        planned = chat_request(question, exchange, parts, able, self._config, at_length=asking.at_length)
        async with budget.reserved(planned.prompt_tokens + planned.output_tokens) as reservation:
            if self._server.stopping and asking.deadline.when() is None:
                raise Stopping  # a question that was asked before may still be repaired
            completion, request, seconds = await self._server.call(lambda: self._completion(asking, exchange, parts))
            reservation.used = taken = tokens_taken(completion, request.prompt_tokens)
        if parts is None or parts.need_passages:
            asking.passages_left_out = request.passages_left_out
        outcome = "answered, but not reviewed any more"
        try:
            answer = await read_answer(question, completion, parts, asking.passages_left_out)
            outcome = answer.outcome
            if asking.passages_left_out:
                outcome += f"; passages left out: {asking.passages_left_out}"
        except ModelRefused as error:
            outcome = f"refused: {error}"
            raise
        finally:
            # The call was made and counts, whatever ends the review: the lesson's deadline may, too.
            asking.record(self._call(asking, completion, seconds, outcome, taken))
        return answer

    async def _completion(
        self, asking: _Asking[A, R], exchange: Sequence[ChatMessage], parts: Parts[A] | None
    ) -> tuple[Completion, ChatRequest, float]:
        """Makes one try; returns what came, the request that it came for, and how many seconds it took.

        What the server doesn't take is left out, and the rest sent again at once: that is still the same try.
        """
        if asking.deadline.when() is None:
            asking.deadline.reschedule(asyncio.get_running_loop().time() + self._config.lesson_deadline)
        question, config = asking.question, self._config
        model = model_for(question, config)
        able = self._memory.of(model)
        while True:
            request = chat_request(question, exchange, parts, able, config, at_length=asking.at_length)
            started = time.monotonic()
            try:
                came = await self._sent(request)
            except BaseException as error:
                self._record_failure(asking, started, type(error).__name__)
                # The client calls it a time-out too if nobody listens there.
                was_waited_for = time.monotonic() - started > config.timeout * _ALL_OF_IT
                if was_waited_for and isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
                    self._memory.learn(model, as_slow(self._memory.of(model)))
                raise
            seconds = time.monotonic() - started
            if isinstance(came, Completion):
                is_slow = seconds > config.timeout * _SLOW
                self._memory.learn(model, as_slow(able) if is_slow else able)
                return came, request, seconds
            self._record_failure(asking, started, f"{came.status}, {blame(came)}")
            if came.status in GAVE_UP_WAITING:
                self._memory.learn(model, as_slow(self._memory.of(model)))
            less = self._with_less(able, came, request)
            if less is None:
                raise judged(came)
            able = less

    def _with_less(self, able: Abilities, said: Complaint, request: ChatRequest) -> Abilities | None:
        """Returns what to ask with after a server has refused a request; None if nothing less would help."""
        match blame(said):
            case "length":
                return narrowed(able, said, request.prompt_tokens + request.output_tokens)
            case "request" | "unknown":
                return stepped_down(able, said, request.body, self._config)
            case _:
                return None

    async def _sent(self, request: ChatRequest) -> Completion | Complaint:
        create = self._server.client.chat.completions.with_streaming_response.create
        try:
            async with create(**request.body) as response:
                came = await received(response, str(response.url.copy_with(query=None)))
                if isinstance(came, Completion):
                    self._server.brake.observe(response.headers, counted_tokens(came.usage, "total_tokens"))
                return came
        except openai.APIStatusError as error:
            return complaint_of(error)

    def _record_failure(self, asking: _Asking[A, R], started: float, what: str) -> None:
        asking.record(self._call(asking, None, time.monotonic() - started, f"error: {what}"))

    def _call(
        self, asking: _Asking[A, R], completion: Completion | None, seconds: float, outcome: str, taken: int = 0
    ) -> ModelCall:
        question = asking.question
        usage = completion.usage if completion else {}
        input_tokens = counted_tokens(usage, "prompt_tokens")
        output_tokens = counted_tokens(usage, "completion_tokens")
        return ModelCall(
            id=uuid4(),
            purpose=question.purpose,
            lesson_number=question.lesson_number,
            model=completion.model if completion else model_for(question, self._config),
            input_tokens=input_tokens,
            cached_tokens=counted_tokens(usage.get("prompt_tokens_details"), "cached_tokens"),
            output_tokens=output_tokens,
            cost=self._cost(input_tokens, output_tokens),
            seconds=seconds,
            outcome=printable(self._redact(outcome)),
            budget_tokens=taken,
            repair=asking.repairing,
        )

    def _cost(self, input_tokens: int, output_tokens: int) -> float | None:
        prices = self._config.price_input, self._config.price_output
        if prices[0] is None or prices[1] is None:
            return None
        return (input_tokens * prices[0] + output_tokens * prices[1]) / 1_000_000


def _repair_messages(answer: Answer[Any, Any], parts: Parts[Any] | None, able: Abilities) -> list[ChatMessage]:
    named = "\n".join(f"- {fault}" for fault in answer.faults[:20])
    wrong = "That answer can't be used" if answer.reviewed is None else "This is wrong in that answer"
    ask = "Send the whole answer again with this put right, and the rest as it is." if parts is None else parts.ask
    text = f"{wrong} (parts are counted from 1):\n{named}\n{ask}"
    if parts is not None and (able.json_mode != "schema" or able.schema_told):
        text += f"\n{schema_in_words(parts.shape)}"
    told = answer.text if parts is None or parts.beside is None else parts.beside
    return [ChatMessage("assistant", told[:MOST_CHARACTERS]), ChatMessage("user", text)]
