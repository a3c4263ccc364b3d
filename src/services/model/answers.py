"""Reading an answer: the object in it, whether that has the shape that was asked for, and what the review finds.

Where the answer stands in what a server sends is in `completion.py`, and what its errors mean in `complaint.py`.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from src.domain.errors import ModelRefused
from src.domain.latex import latex_kept
from src.domain.model_call import MOST_TOKENS, counted_tokens, estimated_tokens
from src.domain.quality.choice_labels import with_answers_among_choices
from src.domain.quality.review import Reviewed
from src.services.model.completion import Completion
from src.services.model.object_in_text import (
    MOST_CHARACTERS,
    FoundObject,
    NoObject,
    as_it_stands,
    object_in,
)
from src.services.model.question import Parts, Question, Written

A = TypeVar("A", bound=BaseModel)
B = TypeVar("B", bound=BaseModel)
R = TypeVar("R")


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
    mended: tuple[str, ...] = ()
    """What had to be put right before it could be read, in a word or two each."""
    is_misshapen: bool = False
    """Whether it isn't even an object with the fields that were asked for, so the model may not know of them."""
    tokens: int = 0
    """How long it was, by the server's count or else by an estimate."""

    @property
    def is_repairable(self) -> bool:
        """Whether it can be put right. What is cut off may still parse, and would pass for a lesson."""
        return not (self.cut_off or self.empty)

    @property
    def outcome(self) -> str:
        """What goes on record with the call: `ok`, or what is wrong, and what was mended to read it."""
        return f"{self._verdict}; mended: {', '.join(self.mended)}" if self.mended else self._verdict

    @property
    def _verdict(self) -> str:
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


def tokens_taken(completion: Completion, prompt_tokens: int) -> int:
    """Returns the tokens that a call counts against its course's budget.

    `prompt_tokens`: the estimate for its prompt. A server that counts no tokens isn't cheaper for that: the estimates
    count then.
    """
    usage = completion.usage
    counted = counted_tokens(usage, "prompt_tokens") + counted_tokens(usage, "completion_tokens")
    return min(counted or prompt_tokens + estimated_tokens(completion.text), MOST_TOKENS)


async def read_answer(
    question: Question[A, R], completion: Completion, parts: Parts[A] | None, passages_left_out: int
) -> Answer[A, R]:
    """Validates and reviews an answer to `question`, or to a repair that asked for `parts` alone.

    Raises `ModelRefused` if the model or its content filter refused.
    """
    text = completion.text
    tokens = counted_tokens(completion.usage, "completion_tokens") or estimated_tokens(text)
    if completion.finish_reason == "content_filter":
        raise ModelRefused("the model's content filter stopped the answer")
    if completion.refusal:
        raise ModelRefused(f"the model refused: {completion.refusal}")
    if not text.strip():
        return _nothing(completion, tokens)
    shape = question.shape if parts is None else parts.shape
    fields = set(shape.model_fields)
    mended: tuple[str, ...] = ()
    # Before it is parsed, as a parser makes tabs and line breaks of the backslashes of formulas.
    kept = latex_kept(text, question.language) if len(text) <= MOST_CHARACTERS else text
    found: FoundObject | NoObject | None = as_it_stands(kept, fields)
    if found is None:
        found = await asyncio.to_thread(object_in, kept, fields)
    match found:
        case FoundObject(given, mended):
            content = with_answers_among_choices(given)
            if content != given:
                mended = (*mended, "answers")
            value, faults = _validated(shape, content)
            is_misshapen = not content.keys() >= fields
        case NoObject(fault):
            value, faults, is_misshapen = None, [fault], True
    if completion.place == "reasoning" and (is_misshapen or completion.finish_reason == "length"):
        return _nothing(completion, tokens)  # the model thought, and said nothing then
    if kept != text:
        mended = ("backslashes", *mended)
    if completion.finish_reason == "length" and value is None:
        return Answer(text, None, None, ["the answer was cut off"], cut_off=True, tokens=tokens)
    if completion.place != "content":
        mended = (completion.place, *mended)
    if value is None:
        return Answer(text, None, None, faults, mended=mended, is_misshapen=is_misshapen)
    answer: A = value if parts is None else parts.put(value)  # type: ignore[assignment]
    reviewed = await question.review(answer, Written(completion.model, passages_left_out))
    return Answer(text, answer, reviewed, [str(finding) for finding in reviewed.findings], mended=mended)


def _nothing(completion: Completion, tokens: int) -> Answer[Any, Any]:
    # A model may have used up all of its tokens for its thoughts.
    cut_off = completion.finish_reason == "length"
    return Answer("", None, None, ["the answer was empty"], cut_off=cut_off, empty=not cut_off, tokens=tokens)


def in_short(faults: list[str]) -> str:
    """Returns the first three faults in one line."""
    return "; ".join(faults[:3]) + ("; …" if len(faults) > 3 else "")


def _validated(shape: type[B], value: Any) -> tuple[B | None, list[str]]:
    try:
        return shape.model_validate(value), []
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return None, [f"{_path(fault['loc'])}: {fault['msg']}" for fault in found]


def _path(location: tuple[int | str, ...]) -> str:
    """Returns the place of a fault with its parts counted from 1, as those of findings are."""
    return ".".join(str(part + 1 if isinstance(part, int) else part) for part in location) or "answer"
