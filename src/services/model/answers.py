"""Reading what a model's server answered: whether it is a completion, what it counts, and what its text says.

What a server's errors mean is in `server.py`.
"""

import re
from dataclasses import dataclass
from typing import Generic, TypeVar

from openai.types.chat import ChatCompletion, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice
from pydantic import BaseModel, ValidationError

from src.domain.errors import ModelRefused, ModelUnavailable
from src.domain.latex import latex_kept
from src.domain.model_call import MOST_TOKENS, counted_tokens, estimated_tokens
from src.domain.quality.review import Reviewed
from src.domain.text import printable
from src.services.model.question import Parts, Question

A = TypeVar("A", bound=BaseModel)
B = TypeVar("B", bound=BaseModel)
R = TypeVar("R")

MOST_CHARACTERS = 500_000
"""The longest answer that is parsed. A whole lesson has some 20,000; a model that writes far more has gone astray."""

_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?```\s*\Z", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer(Generic[A, R]):
    """An answer of the model, as it was read."""

    text: str
    value: A | None
    """The validated answer; None if it was cut off or has another shape than the one asked for."""
    reviewed: Reviewed[R] | None
    """The review of `value`; None if that is None."""
    faults: list[str]
    """What is wrong with it, one line each, as the model is told for a repair."""
    cut_off: bool = False
    empty: bool = False

    @property
    def is_repairable(self) -> bool:
        """Whether it can be put right. What is cut off may still parse, and would pass for a lesson."""
        return not (self.cut_off or self.empty)

    @property
    def outcome(self) -> str:
        """What goes on record with the call: `ok`, or what is wrong."""
        if self.cut_off:
            return "cut off"
        if self.empty:
            return "empty"
        if self.reviewed is None:
            return f"wrong: {in_short(self.faults)}"
        if self.reviewed.hard:
            return f"wrong: {in_short([str(finding) for finding in self.reviewed.hard])}"
        gates = dict.fromkeys(finding.gate for finding in self.reviewed.findings)
        return f"ok, but {', '.join(gates)}" if gates else "ok"


def require_completion(completion: object) -> None:
    """Raises `ModelUnavailable` if the server sent no chat completion, and `ModelRefused` if it has no choices."""
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


def written_by(completion: ChatCompletion) -> str:
    """Returns the name of the model that answered, by its server's account; `unknown` if it names none."""
    return printable(str(getattr(completion, "model", None) or "unknown"), 200)


def tokens_taken(completion: ChatCompletion, prompt_tokens: int) -> int:
    """Returns the tokens that a call counts against its course's budget.

    `prompt_tokens`: the estimate for its prompt. A server that counts no tokens isn't cheaper for that: the estimates
    count then.
    """
    usage = completion.usage
    counted = counted_tokens(usage, "prompt_tokens") + counted_tokens(usage, "completion_tokens")
    taken = counted or prompt_tokens + estimated_tokens(completion.choices[0].message.content or "")
    return min(taken, MOST_TOKENS)


async def read_answer(question: Question[A, R], completion: ChatCompletion, parts: Parts[A] | None) -> Answer[A, R]:
    """Validates and reviews an answer to `question`, or to a repair that asked for `parts` alone.

    Raises `ModelRefused` if the model or its content filter refused.
    """
    choice = completion.choices[0]
    text = choice.message.content
    if choice.finish_reason == "length":
        return Answer(text or "", None, None, ["the answer was cut off"], cut_off=True)
    if choice.finish_reason == "content_filter":
        raise ModelRefused("the model's content filter stopped the answer")
    if choice.message.refusal:
        raise ModelRefused(f"the model refused: {choice.message.refusal}")
    if text is None or not text.strip():
        return Answer("", None, None, ["the answer was empty"], empty=True)
    if parts is None:
        value, faults = _validated(question.shape, text, question.language)
    else:
        found, faults = _validated(parts.shape, text, question.language)
        value = None if found is None else parts.put(found)
    if value is None:
        return Answer(text, None, None, faults)
    reviewed = await question.review(value, written_by(completion))
    return Answer(text, value, reviewed, [str(finding) for finding in reviewed.findings])


def in_short(faults: list[str]) -> str:
    """Returns the first three faults in one line."""
    return "; ".join(faults[:3]) + ("; …" if len(faults) > 3 else "")


def _validated(shape: type[B], text: str, language: str) -> tuple[B | None, list[str]]:
    if len(text) > MOST_CHARACTERS:
        return None, [f"the answer has {len(text)} characters; at most {MOST_CHARACTERS} are read"]
    text = latex_kept(text, language)
    fenced = _FENCE.match(text)
    try:
        return shape.model_validate_json(fenced.group(1) if fenced else text), []
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return None, [f"{_path(fault['loc'])}: {fault['msg']}" for fault in found]


def _path(location: tuple[int | str, ...]) -> str:
    """Returns the place of a fault with its parts counted from 1, as those of findings are."""
    return ".".join(str(part + 1 if isinstance(part, int) else part) for part in location) or "answer"
