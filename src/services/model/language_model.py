"""The language model: questions in, validated answers out."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar
from uuid import uuid4

import structlog
from openai.types.chat import ChatCompletion, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice
from pydantic import BaseModel, ValidationError

from src.config import OpenAISettings
from src.domain.errors import CourseError, ModelOutputInvalid, ModelRefused, ModelUnavailable, Stopping
from src.domain.finding import Finding
from src.domain.model_call import ModelCall, estimated_tokens
from src.domain.prompt import Prompt
from src.domain.quality.review import Reviewed
from src.domain.redaction import Redactor
from src.domain.text import printable
from src.services.model.answer_schema import answer_schema
from src.services.model.budget import TokenBudget
from src.services.model.server import ModelServer

A = TypeVar("A", bound=BaseModel)
B = TypeVar("B", bound=BaseModel)
R = TypeVar("R")

Review = Callable[[A, str], Awaitable[Reviewed[R]]]
"""Makes of an answer, and the name of the model that gave it, what may be kept, with what was found in it."""

_log = structlog.get_logger(__name__)

# A whole lesson is some 20 KB. What is far beyond that is a model that went astray, not worth parsing.
_MAX_ANSWER_CHARACTERS = 500_000
# What a column holds. Nobody has counted that many.
_MOST_TOKENS = 2**31 - 1
_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?```\s*\Z", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a conversation with the model."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Parts(Generic[A]):
    """Some parts of an answer, which are asked for again."""

    answer: type[BaseModel]
    ask: str
    """For the model: which parts they are."""
    put: Callable[[Any], A]
    """Takes an `answer`; returns the whole with these parts in it."""


@dataclass(frozen=True, slots=True)
class Question(Generic[A, R]):
    """What the model is asked, and how to tell whether the answer is good."""

    purpose: Literal["outline", "lesson"]
    lesson_number: int | None
    prompt: Prompt
    """The instructions that `messages` begin with."""
    messages: tuple[ChatMessage, ...]
    answer: type[A]
    review: Review[A, R]
    parts: Callable[[A, Sequence[Finding]], Parts[A] | None] = lambda _answer, _findings: None
    """Those of an answer that the findings are about; None where it is to be written again as a whole."""

    @property
    def step(self) -> str:
        """What is asked for, for people: `outline`, or `lesson 2`."""
        return self.purpose if self.lesson_number is None else f"{self.purpose} {self.lesson_number}"


@dataclass(frozen=True, slots=True)
class _Reply(Generic[A, R]):
    text: str
    value: A | None
    kept: Reviewed[R] | None
    """None, as `value` is: the answer has not the shape that was asked for."""
    faults: list[str]
    cut_off: bool = False


@dataclass(slots=True)
class _Asking(Generic[A, R]):
    """A question on its way to an answer."""

    question: Question[A, R]
    budget: TokenBudget
    record: Callable[[ModelCall], None]
    deadline: asyncio.Timeout
    usable: Reviewed[R] | None = None
    """A version that can be kept while a better one is asked for: it is paid for."""


class LanguageModel(Protocol):
    """What the course generator needs of a model."""

    async def ask(
        self, question: Question[A, R], budget: TokenBudget, record: Callable[[ModelCall], None]
    ) -> Reviewed[R]:
        """The reviewed answer to `question`; `record` is handed every call that it took, also the failed ones.

        Raises `ModelUnavailable`, `ModelAccessDenied`, `ModelRefused`, `ModelOutputInvalid`, `BudgetExceeded`, or
        `Stopping`.
        """
        ...


class OpenAIModel:
    """A `LanguageModel` behind the chat completions API. After the server was told to stop, no question is asked."""

    def __init__(self, server: ModelServer, config: OpenAISettings, redact: Redactor) -> None:
        """`redact`: what servers say in their errors and refusals may repeat a key, and is put on record."""
        self._server = server
        self._config = config
        self._redact = redact

    async def ask(
        self, question: Question[A, R], budget: TokenBudget, record: Callable[[ModelCall], None]
    ) -> Reviewed[R]:
        """See `LanguageModel.ask`. An answer that is cut off is asked for again; one of another shape is repaired, and
        one in which the review finds something; each once. Of the last two the better version is kept.

        All of it has one deadline, which counts from when the first call is opened.
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

    async def _answer(self, asking: "_Asking[A, R]") -> Reviewed[R]:
        purpose = asking.question.step
        messages = _with_schema(asking.question, self._config.json_mode)
        reply = await self._reply(asking, messages)
        if reply.cut_off:
            # Never repaired: what is cut off may still parse, and would pass for a lesson.
            reply = await self._reply(asking, messages)
            if reply.cut_off:
                raise ModelOutputInvalid(f"the model's {purpose} was cut off at its length limit, twice")
        if reply.kept is None:
            reply = await self._repaired(asking, messages, reply)
        if reply.kept is None:
            raise ModelOutputInvalid(f"the model's {purpose} is wrong, also after repair: {_short(reply.faults)}")
        kept = await self._bettered(asking, messages, reply, reply.kept) if reply.kept.findings else reply.kept
        if kept.hard:
            found = _short([str(finding) for finding in kept.hard])
            raise ModelOutputInvalid(f"the model's {purpose} can't be used, also after repair: {found}")
        return kept

    async def _bettered(
        self, asking: "_Asking[A, R]", messages: Sequence[ChatMessage], reply: "_Reply[A, R]", kept: Reviewed[R]
    ) -> Reviewed[R]:
        """The better one of `kept` and its repair. That can't be had: `kept`, where nothing forbids it."""
        asking.usable = None if kept.hard else kept
        try:
            repaired = (await self._repaired(asking, messages, reply)).kept
        except (CourseError, Stopping) as error:
            if kept.hard:
                raise
            _log.warning("an answer is kept as it is", action="answer_kept", error=str(error) or type(error).__name__)
            return kept
        return repaired if repaired is not None and repaired.beats(kept) else kept

    async def _repaired(
        self, asking: "_Asking[A, R]", messages: Sequence[ChatMessage], reply: "_Reply[A, R]"
    ) -> "_Reply[A, R]":
        _log.warning(
            "the model's answer is repaired",
            action="answer_repair",
            step=asking.question.step,
            faults=reply.faults[:20],
        )
        parts = None
        if reply.value is not None and reply.kept is not None:
            parts = asking.question.parts(reply.value, reply.kept.findings)
        ask = _repair(reply, parts, self._config.json_mode)
        return await self._reply(asking, (*messages, *ask), parts)

    async def _reply(
        self, asking: "_Asking[A, R]", messages: Sequence[ChatMessage], parts: Parts[A] | None = None
    ) -> "_Reply[A, R]":
        question, budget = asking.question, asking.budget
        answer = question.answer if parts is None else parts.answer
        arguments: dict[str, Any] = {
            "model": self._model(question),
            "messages": [{"role": message.role, "content": _sendable(message.content)} for message in messages],
        }
        if self._config.json_mode == "schema":
            name = question.purpose if parts is None else f"{question.purpose}_parts"
            schema = {"name": name, "strict": True, "schema": answer_schema(answer)}
            arguments["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif self._config.json_mode == "object":
            arguments["response_format"] = {"type": "json_object"}
        if budget.limited:
            arguments["max_completion_tokens"] = self._config.max_output_tokens
        prompt_tokens = estimated_tokens(json.dumps(arguments, ensure_ascii=False))
        async with budget.reserved(prompt_tokens + self._config.max_output_tokens) as reservation:
            if self._server.stopping and asking.deadline.when() is None:
                raise Stopping  # one that is asked already may be repaired
            completion, seconds = await self._server.call(lambda: self._completion(asking, arguments))
            reservation.used = taken = _taken(completion, prompt_tokens)
        outcome = "answered, but not reviewed any more"
        try:
            reply = await _read(question, completion, parts)
            outcome = _outcome(reply)
        except ModelRefused as error:
            outcome = f"refused: {error}"
            raise
        finally:
            # Whatever ends the review, the deadline of the lesson among it: the call is made, and counts.
            asking.record(self._call(question, completion, seconds, outcome, taken))
        return reply

    async def _completion(self, asking: "_Asking[A, R]", arguments: dict[str, Any]) -> tuple[ChatCompletion, float]:
        """One try, and how many seconds it took."""
        started = time.monotonic()
        if asking.deadline.when() is None:
            asking.deadline.reschedule(asyncio.get_running_loop().time() + self._config.lesson_deadline)
        try:
            response = await self._server.client.chat.completions.with_raw_response.create(**arguments)
            completion = response.parse()
            _check_shape(completion)
        except BaseException as error:
            seconds = time.monotonic() - started
            asking.record(self._call(asking.question, None, seconds, f"error: {type(error).__name__}"))
            raise
        self._server.brake.observe(response.headers, _tokens(completion.usage, "total_tokens"))
        return completion, time.monotonic() - started

    def _model(self, question: Question[A, R]) -> str:
        if question.purpose == "outline" and self._config.model_outline is not None:
            return self._config.model_outline
        return self._config.model

    def _call(
        self, question: Question[A, R], completion: ChatCompletion | None, seconds: float, outcome: str, taken: int = 0
    ) -> ModelCall:
        usage = completion.usage if completion else None
        input_tokens = _tokens(usage, "prompt_tokens")
        output_tokens = _tokens(usage, "completion_tokens")
        return ModelCall(
            id=uuid4(),
            purpose=question.purpose,
            lesson_number=question.lesson_number,
            model=_written_by(completion) if completion else self._model(question),
            input_tokens=input_tokens,
            cached_tokens=_tokens(getattr(usage, "prompt_tokens_details", None), "cached_tokens"),
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


def _sendable(text: str) -> str:
    # A lone surrogate, in a passage or in an answer that is to be repaired, has no UTF-8.
    return text.encode(errors="replace").decode()


def _with_schema(question: Question[A, R], json_mode: str) -> tuple[ChatMessage, ...]:
    if json_mode == "schema":
        return question.messages
    return (*question.messages, ChatMessage("system", _as_json(question.answer)))


def _as_json(answer: type[BaseModel]) -> str:
    schema = json.dumps(answer_schema(answer))
    return f"Answer with one JSON object and nothing else. It must follow this JSON Schema:\n{schema}"


def _check_shape(completion: object) -> None:
    # The client hands on whatever the server sent. A proxy's error page with status 200 comes as a plain string.
    match completion:
        case ChatCompletion(choices=[] | None):
            raise ModelRefused("the model gave no answer (no choices)")
        case ChatCompletion(
            choices=[Choice(message=ChatCompletionMessage(content=str() | None, refusal=str() | None)), *_]
        ):
            pass
        case _:
            raise ModelUnavailable("the model's server did not send a chat completion; is OPENAI_BASE_URL right?")


def _written_by(completion: ChatCompletion) -> str:
    return printable(str(getattr(completion, "model", None) or "unknown"), 200)


def _tokens(counted: object, name: str) -> int:
    # Servers may leave counts out, or send anything; a course is not lost over it.
    number = getattr(counted, name, None)
    return number if isinstance(number, int) and 0 <= number <= _MOST_TOKENS else 0


def _taken(completion: ChatCompletion, prompt_tokens: int) -> int:
    """What a call counts against its course's budget. A server that counts no tokens is not cheaper for it."""
    counted = _tokens(completion.usage, "prompt_tokens") + _tokens(completion.usage, "completion_tokens")
    taken = counted or prompt_tokens + estimated_tokens(completion.choices[0].message.content or "")
    return min(taken, _MOST_TOKENS)


async def _read(question: Question[A, R], completion: ChatCompletion, parts: Parts[A] | None) -> "_Reply[A, R]":
    choice = completion.choices[0]
    text = choice.message.content
    if choice.finish_reason == "length":
        return _Reply(text or "", None, None, ["the answer was cut off"], cut_off=True)
    if choice.finish_reason == "content_filter":
        raise ModelRefused("the model's content filter stopped the answer")
    if choice.message.refusal:
        raise ModelRefused(f"the model refused: {choice.message.refusal}")
    if text is None:
        raise ModelRefused("the model gave no answer (no content)")
    if parts is None:
        value, faults = _validated(question.answer, text)
    else:
        found, faults = _validated(parts.answer, text)
        value = None if found is None else parts.put(found)
    if value is None:
        return _Reply(text, None, None, faults)
    kept = await question.review(value, _written_by(completion))
    return _Reply(text, value, kept, [str(finding) for finding in kept.findings])


def _validated(answer: type[B], text: str) -> tuple[B | None, list[str]]:
    if len(text) > _MAX_ANSWER_CHARACTERS:
        return None, [f"the answer has {len(text)} characters; at most {_MAX_ANSWER_CHARACTERS} are read"]
    fenced = _FENCE.match(text)
    try:
        return answer.model_validate_json(fenced.group(1) if fenced else text), []
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return None, [f"{_path(fault['loc'])}: {fault['msg']}" for fault in found]


def _path(location: tuple[int | str, ...]) -> str:
    """Counted from 1, as findings are."""
    return ".".join(str(part + 1 if isinstance(part, int) else part) for part in location) or "answer"


def _outcome(reply: "_Reply[Any, Any]") -> str:
    if reply.cut_off:
        return "cut off"
    if reply.kept is None:
        return f"wrong: {_short(reply.faults)}"
    if reply.kept.hard:
        return f"wrong: {_short([str(finding) for finding in reply.kept.hard])}"
    gates = dict.fromkeys(finding.gate for finding in reply.kept.findings)
    return f"ok, but {', '.join(gates)}" if gates else "ok"


def _repair(reply: "_Reply[A, Any]", parts: Parts[A] | None, json_mode: str) -> list[ChatMessage]:
    named = "\n".join(f"- {fault}" for fault in reply.faults[:20])
    wrong = "That answer can't be used" if reply.kept is None else "This is wrong in that answer"
    ask = "Send the whole answer again with this put right, and the rest as it is." if parts is None else parts.ask
    repair = [
        ChatMessage("assistant", reply.text[:_MAX_ANSWER_CHARACTERS]),
        ChatMessage("user", f"{wrong} (parts are counted from 1):\n{named}\n{ask}"),
    ]
    if parts is not None and json_mode != "schema":
        repair.append(ChatMessage("system", _as_json(parts.answer)))
    return repair


def _short(faults: list[str]) -> str:
    return "; ".join(faults[:3]) + ("; …" if len(faults) > 3 else "")
