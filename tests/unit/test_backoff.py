from hypothesis import given
from hypothesis import strategies as st

from src.domain.backoff import backoff


@given(st.integers(0, 10**9), st.floats(0.001, 100), st.floats(0.001, 3600))
def test_it_is_never_longer_than_the_longest_and_never_less_than_half_of_what_it_should_be(
    failures: int, first: float, longest: float
) -> None:
    """Fault 54."""
    wait = backoff(failures, first, longest)
    assert min(longest, first) / 2 <= wait <= longest
    if failures > 40:
        assert wait >= longest / 2


def test_it_doubles_and_not_everybody_comes_back_at_once() -> None:
    waits = [[backoff(failures, 1.0, 30.0) for _ in range(50)] for failures in (1, 2, 3)]
    for number, same in enumerate(waits):
        assert 2**number / 2 <= min(same) < max(same) <= 2**number
