"""Calls to a model, as they go on record, and the tokens that they count."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

MOST_TOKENS = 2**31 - 1
"""The largest count that its column, a 32-bit integer, can hold."""


CallPurpose = Literal["outline", "lesson", "search"]
"""What a model is called for; `search` means that a query is embedded."""


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One call to a model, for the record."""

    id: UUID
    purpose: CallPurpose
    lesson_number: int | None
    model: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost: float | None
    """US dollars; None if no price is set."""
    seconds: float
    outcome: str
    """`ok`, or what was wrong with the answer."""
    budget_tokens: int = 0
    """The tokens that it counts against the course's budget: an estimate if the server counted none."""
    repair: bool = False
    """Whether an answer was sent back with it to be put right."""

    @property
    def tokens(self) -> int:
        """The tokens that it took, by the server's count."""
        return self.input_tokens + self.output_tokens


RecordCall = Callable[[ModelCall], None]
"""Takes every call that is made, failed ones included."""


def counted_tokens(usage: object, name: str) -> int:
    """Returns the count that a server gave as `usage.<name>`; 0 if it gave none, or an impossible one."""
    # Servers may leave counts out, or send anything; a course isn't lost over it.
    number = usage.get(name) if isinstance(usage, Mapping) else getattr(usage, name, None)
    return number if isinstance(number, int) and 0 <= number <= MOST_TOKENS else 0


def estimated_tokens(text: str) -> int:
    """Estimates the tokens of a text, on the high side: one for each three bytes of UTF-8.

    No tokenizer fits every model behind this API. The tests have figures for seven scripts; a rare one (Amharic) or a
    row of emoji may have twice as many. Once a call is made, what it has really taken replaces the estimate.
    """
    return len(text.encode(errors="replace")) // 3 + 1
