"""Named places where a test may end the process, more exactly than `kill -9` from outside ever could.

Without `CRASH_AT` in the environment, which only tests set, every one of them does nothing.
"""

import os
import signal

_armed: dict[str, int] = {}


def arm(places: str) -> None:
    """Arms each `name` or `name:n` (the n-th time it is reached) of `places`, which commas separate."""
    for place in filter(None, places.split(",")):
        name, _, count = place.partition(":")
        _armed[name] = int(count or 1)


def crash_point(name: str) -> None:
    """Ends this process with SIGKILL if a test has armed `name`: no handler runs, nothing is flushed."""
    if name not in _armed:
        return
    _armed[name] -= 1
    if _armed[name] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
