"""Asking the language model: a question goes in, a validated and reviewed answer comes out.

`question.py` says what is asked, `answers.py` reads what comes back, and `server.py` makes the calls.
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar
from uuid import uuid4

import structlog
from openai.types.chat import ChatCompletion
from pydantic import BaseModel

from src.config import OpenAISettings
from src.domain.errors import CourseError, ModelOutputInvalid, ModelRefused, ModelUnavailable, Stopping
from src.domain.model_call import ModelCall, counted_tokens, estimated_tokens
from src.domain.quality.review import Reviewed
from src.domain.redaction import Redactor
from src.domain.text import printable
from src.services.model.answer_schema import answer_schema
from src.services.model.answers import (
    MOST_CHARACTERS,
    Answer,
    in_short,
    read_answer,
    require_completion,
    tokens_taken,
    written_by,
)
from src.services.model.budget import TokenBudget
from src.services.model.question import ChatMessage, Parts, Question, first_messages, schema_in_words
from src.services.model.server import ModelServer

A = TypeVar("A", bound=BaseModel)
R = TypeVar("R")

_log = structlog.get_logger(__name__)


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
    usable: Reviewed[R] | None = None
    """A version that is paid for and can be kept, while a better one is asked for."""


class OpenAIModel:
    """A `LanguageModel` behind the chat completions API. It asks no new question once its server was told to stop."""

    def __init__(self, server: ModelServer, config: OpenAISettings, redact: Redactor) -> None:
        """`redact` cleans what servers say in errors and refusals: it goes on record, and may repeat a key."""
        self._server = server
        self._config = config
        self._redact = redact

    async def ask(
        self, question: Question[A, R], budget: TokenBudget, record: Callable[[ModelCall], None]
    ) -> Reviewed[R]:
        """Asks `question`; see `LanguageModel.ask`.

        An answer that was cut off or empty is asked for again. One of another shape is repaired, and so is one in which
        the review finds something. Each of these is done once at most, and of the last two versions the better is kept.
        One deadline covers all of it: `lesson_deadline` seconds from when the first call is opened.
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
            raise ModelUnavailable(f"the model had not finished the {question.purpose} within {seconds:g} s") from None

    async def _answer(self, asking: _Asking[A, R]) -> Reviewed[R]:
        step = asking.question.step
        messages = first_messages(asking.question, self._config.json_mode)
        answer = await self._asked(asking, messages)
        if not answer.is_repairable:
            answer = await self._asked(asking, messages)
            if not answer.is_repairable:
                what = "cut off at its length limit" if answer.cut_off else "empty"
                raise ModelOutputInvalid(f"the model's {step} was {what}, also when it was asked for again")
        if answer.reviewed is None:
            answer = await self._repaired(asking, messages, answer)
        if answer.reviewed is None:
            raise ModelOutputInvalid(f"the model's {step} is wrong, also after repair: {in_short(answer.faults)}")
        kept = answer.reviewed
        if kept.findings:
            kept = await self._bettered(asking, messages, answer, kept)
        if kept.hard:
            found = in_short([str(finding) for finding in kept.hard])
            raise ModelOutputInvalid(f"the model's {step} can't be used, also after repair: {found}")
        return kept

    async def _bettered(
        self, asking: _Asking[A, R], messages: Sequence[ChatMessage], answer: Answer[A, R], kept: Reviewed[R]
    ) -> Reviewed[R]:
        """Asks for a repair of `kept`, the review of `answer`, and returns the better one of the two.

        If the repair fails, `kept` is returned; but if it has hard findings, so that it can't be kept, the error of
        the repair is raised.
        """
        asking.usable = None if kept.hard else kept
        try:
            repaired = (await self._repaired(asking, messages, answer)).reviewed
        except (CourseError, Stopping) as error:
            if kept.hard:
                raise
            _log.warning("an answer is kept as it is", action="answer_kept", error=str(error) or type(error).__name__)
            return kept
        return repaired if repaired is not None and repaired.beats(kept) else kept

    async def _repaired(
        self, asking: _Asking[A, R], messages: Sequence[ChatMessage], answer: Answer[A, R]
    ) -> Answer[A, R]:
        _log.warning(
            "the model's answer is repaired",
            action="answer_repair",
            step=asking.question.step,
            faults=answer.faults[:20],
        )
        parts = None
        if answer.value is not None and answer.reviewed is not None:
            parts = asking.question.parts(answer.value, answer.reviewed.findings)
        ask = _repair_messages(answer, parts, self._config.json_mode)
        return await self._asked(asking, (*messages, *ask), parts)

    async def _asked(
        self, asking: _Asking[A, R], messages: Sequence[ChatMessage], parts: Parts[A] | None = None
    ) -> Answer[A, R]:
        """Makes one call within the budget, and reads and records what comes of it."""
        question, budget = asking.question, asking.budget
        arguments = self._arguments(question, messages, parts)
        if budget.limited:
            arguments["max_completion_tokens"] = self._config.max_output_tokens
        prompt_tokens = estimated_tokens(json.dumps(arguments, ensure_ascii=False))
        async with budget.reserved(prompt_tokens + self._config.max_output_tokens) as reservation:
            if self._server.stopping and asking.deadline.when() is None:
                raise Stopping  # a question that was asked before may still be repaired
            completion, seconds = await self._server.call(lambda: self._completion(asking, arguments))
            reservation.used = taken = tokens_taken(completion, prompt_tokens)
        outcome = "answered, but not reviewed any more"
        try:
            answer = await read_answer(question, completion, parts)
            outcome = answer.outcome
        except ModelRefused as error:
            outcome = f"refused: {error}"
            raise
        finally:
            # The call was made and counts, whatever ends the review: the lesson's deadline may, too.
            asking.record(self._call(question, completion, seconds, outcome, taken))
        return answer

    def _arguments(
        self, question: Question[A, R], messages: Sequence[ChatMessage], parts: Parts[A] | None
    ) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "model": self._model(question),
            "messages": [{"role": message.role, "content": _sendable(message.content)} for message in messages],
        }
        if self._config.json_mode == "schema":
            name = question.purpose if parts is None else f"{question.purpose}_parts"
            shape = question.shape if parts is None else parts.shape
            schema = {"name": name, "strict": True, "schema": answer_schema(shape)}
            arguments["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif self._config.json_mode == "object":
            arguments["response_format"] = {"type": "json_object"}
        return arguments

    async def _completion(self, asking: _Asking[A, R], arguments: dict[str, Any]) -> tuple[ChatCompletion, float]:
        """Makes one try; returns what came, and how many seconds it took."""
        started = time.monotonic()
        if asking.deadline.when() is None:
            asking.deadline.reschedule(asyncio.get_running_loop().time() + self._config.lesson_deadline)
        try:
            response = await self._server.client.chat.completions.with_raw_response.create(**arguments)
            completion = response.parse()
            require_completion(completion)
        except BaseException as error:
            seconds = time.monotonic() - started
            asking.record(self._call(asking.question, None, seconds, f"error: {type(error).__name__}"))
            raise
        self._server.brake.observe(response.headers, counted_tokens(completion.usage, "total_tokens"))
        return completion, time.monotonic() - started

    def _model(self, question: Question[A, R]) -> str:
        if question.purpose == "outline" and self._config.model_outline is not None:
            return self._config.model_outline
        return self._config.model

    def _call(
        self, question: Question[A, R], completion: ChatCompletion | None, seconds: float, outcome: str, taken: int = 0
    ) -> ModelCall:
        usage = completion.usage if completion else None
        input_tokens = counted_tokens(usage, "prompt_tokens")
        output_tokens = counted_tokens(usage, "completion_tokens")
        return ModelCall(
            id=uuid4(),
            purpose=question.purpose,
            lesson_number=question.lesson_number,
            model=written_by(completion) if completion else self._model(question),
            input_tokens=input_tokens,
            cached_tokens=counted_tokens(getattr(usage, "prompt_tokens_details", None), "cached_tokens"),
            output_tokens=output_tokens,
            cost=self._cost(input_tokens, output_tokens),
            seconds=seconds,
            outcome=printable(self._redact(outcome)),
            budget_tokens=taken,
        )

    def _cost(self, input_tokens: int, output_tokens: int) -> float | None:
        prices = self._config.price_input, self._config.price_output
        if prices[0] is None or prices[1] is None:
            return None
        return (input_tokens * prices[0] + output_tokens * prices[1]) / 1_000_000


def _repair_messages(answer: Answer[A, Any], parts: Parts[A] | None, json_mode: str) -> list[ChatMessage]:
    named = "\n".join(f"- {fault}" for fault in answer.faults[:20])
    wrong = "That answer can't be used" if answer.reviewed is None else "This is wrong in that answer"
    ask = "Send the whole answer again with this put right, and the rest as it is." if parts is None else parts.ask
    text = f"{wrong} (parts are counted from 1):\n{named}\n{ask}"
    if parts is not None and json_mode != "schema":
        text += f"\n{schema_in_words(parts.shape)}"
    return [ChatMessage("assistant", answer.text[:MOST_CHARACTERS]), ChatMessage("user", text)]


def _sendable(text: str) -> str:
    # A lone surrogate, in a passage or in an answer that is to be repaired, can't be encoded in UTF-8.
    return text.encode(errors="replace").decode()
