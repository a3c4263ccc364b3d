"""Waiting for what a test can only see by looking again."""

import os
import threading
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")

PATIENCE = float(os.environ.get("TEST_PATIENCE", "300"))
"""Seconds. The limit ends hopeless runs and no others: machines are slow at times. Nobody waits that long when all is
well, and who waits for a process is told of its end at once."""


class Process(Protocol):
    """What a test has started and relies on."""

    @property
    def died(self) -> bool:
        """Whether it has ended and nobody wanted it to."""
        ...


processes: list[Process] = []
"""Those of the test that is running."""


def eventually(look: Callable[[], T], what: str, pause: Callable[[], object] | None = None) -> T:
    """The first true result of `look`. `pause` passes a moment between two looks."""
    end = time.monotonic() + PATIENCE
    pause = pause or (lambda: threading.Event().wait(0.02))
    while not (result := look()):
        still_hoping(end, what)
        pause()
    return result


def still_hoping(end: float, what: str) -> None:
    """Raises `AssertionError` when the time `end` (`time.monotonic`) is over, or a process died that was needed."""
    for process in processes:
        assert not process.died, f"died while the test waited until {what}:\n{process}"
    assert time.monotonic() < end, f"waited {PATIENCE:g} s in vain until {what}"
