"""Waiting for what a test can only see by looking again."""

import os
import threading
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")

PATIENCE = float(os.environ.get("TEST_PATIENCE", "300"))
"""Seconds. The limit is there to end only hopeless runs, as machines are slow at times. Nobody waits that long if all
is well, and whoever waits for a process is told at once if it ends."""


class Process(Protocol):
    """What a test has started and relies on."""

    @property
    def died(self) -> bool:
        """Whether it has ended and nobody wanted it to."""
        ...


processes: list[Process] = []
"""The processes of the test that is running."""


def eventually(look: Callable[[], T], what: str, pause: Callable[[], object] | None = None) -> T:
    """Returns the first true result of `look`. `pause` passes a moment between two looks."""
    end = time.monotonic() + PATIENCE
    pause = pause or (lambda: threading.Event().wait(0.02))
    while not (result := look()):
        still_hoping(end, what)
        pause()
    return result


def still_hoping(end: float, what: str) -> None:
    """Raises `AssertionError` if the time `end` (of `time.monotonic`) is over, or if a process died that was needed."""
    for process in processes:
        assert not process.died, f"died while the test waited until {what}:\n{process}"
    assert time.monotonic() < end, f"waited {PATIENCE:g} s in vain until {what}"
