"""Waiting for what a test can only see by looking again."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds. Long, because machines are slow at times; nobody waits that long when all is well."""


def eventually(look: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """The first true result of `look`."""
    end = time.monotonic() + patience
    pause = threading.Event()
    while not (result := look()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {patience:g} s in vain until {what}")
        pause.wait(0.02)
    return result
