"""The token budget of a course: reserved call by call, so that calls side by side can't overdraw it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from src.domain.errors import BudgetExceeded


@dataclass(slots=True)
class Reservation:
    """The tokens put aside for one call. Whoever makes the call sets `used` to what it took."""

    used: int = 0


class TokenBudget:
    """The tokens (input and output) that one course may take. Without a limit everything is granted."""

    def __init__(self, limit: int | None, spent: int = 0) -> None:
        """`spent`: the tokens that earlier attempts have taken."""
        self._limit = limit
        self._spent = spent
        self._reserved = 0
        self._settled = asyncio.Condition()

    def spend(self, tokens: int) -> None:
        """Counts the tokens of a call that was made without a reservation, as it is too small to be refused."""
        self._spent += tokens

    @asynccontextmanager
    async def reserved(self, tokens: int) -> AsyncIterator[Reservation]:
        """Puts `tokens` aside for a call, which is to be made inside the `with` block.

        If open calls have put aside what is missing, it waits for what they leave over. Raises `BudgetExceeded` if the
        budget doesn't hold so many.
        """
        async with self._settled:
            while self._limit is not None and self._spent + self._reserved + tokens > self._limit:
                if self._reserved == 0:
                    raise BudgetExceeded(
                        f"the course has taken {self._spent} tokens and its next call may take {tokens} more"
                        f" (OPENAI_MAX_OUTPUT_TOKENS and its prompt), which is over the budget of {self._limit}"
                        " (MAX_COURSE_TOKENS); what is finished is kept, and a retry with a higher budget goes on from"
                        " there"
                    )
                await self._settled.wait()
            self._reserved += tokens
        reservation = Reservation()
        try:
            yield reservation
        finally:
            self._reserved -= tokens
            self._spent += reservation.used
            async with self._settled:
                self._settled.notify_all()
