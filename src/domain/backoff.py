"""The backoff: how long to wait before trying again."""

import random


def backoff(failures: int, first: float, longest: float) -> float:
    """Returns the seconds to wait after `failures` in a row: doubled each time, from `first` up to `longest`.

    They are shortened by up to a half at random, so that those who failed together don't come back together.
    """
    return min(longest, first * 2.0 ** min(max(failures - 1, 0), 30)) * random.uniform(0.5, 1)
