"""Calls to a model, as they go on record, and what they count."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One call to a model, for the record."""

    id: UUID
    purpose: str
    """`outline`, `lesson`, or `search` where a query is embedded."""
    lesson_number: int | None
    model: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost: float | None
    """US dollars; None where no price is set."""
    seconds: float
    outcome: str
    """`ok`, or what was wrong with the answer."""
    budget_tokens: int = 0
    """What it counts against the course's budget: its tokens, or an estimate where the server counts none."""


RecordCall = Callable[[ModelCall], None]
"""Is handed every call, also one that failed."""


def estimated_tokens(text: str) -> int:
    """How many tokens a text has, on the high side: one for each three bytes of UTF-8.

    No tokenizer fits every model behind this API. The tests have figures for seven scripts; a rare one (Amharic) or a
    row of emoji may have twice as many. What a call has really taken replaces the estimate.
    """
    return len(text.encode(errors="replace")) // 3 + 1
