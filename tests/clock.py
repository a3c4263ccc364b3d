"""A clock that a test moves by hand."""


class Clock:
    """Stands in for the module `time` in the module that is tested."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now
