"""What one course may take of the model, reserved call by call so that calls side by side can't overdraw it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from src.domain.errors import BudgetExceeded


@dataclass(slots=True)
class Reservation:
    """Tokens put aside for one call. Whoever makes it notes in `used` what it took."""

    used: int = 0


class TokenBudget:
    """The tokens (input and output) of one course. Without a limit everything is granted."""

    def __init__(self, limit: int | None, spent: int = 0) -> None:
        """`spent`: by earlier attempts."""
        self._limit = limit
        self._spent = spent
        self._reserved = 0
        self._settled = asyncio.Condition()

    @property
    def limited(self) -> bool:
        """Whether there is a limit at all."""
        return self._limit is not None

    def spend(self, tokens: int) -> None:
        """Counts what a call has taken that is too small to be refused."""
        self._spent += tokens

    @asynccontextmanager
    async def reserved(self, tokens: int) -> AsyncIterator[Reservation]:
        """Make the call that may take `tokens` within it. Raises `BudgetExceeded` where they are not there.

        Where they are put aside for calls that are open now, it waits for what those leave over.
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
