"""What a column of PostgreSQL can hold, and what merely looks like something that it can't."""

import pytest

from src.domain.columns import storable


@pytest.mark.parametrize("value", ["\0", ["a\0"], {"\0": 1}, {"a": {"b": "\\\0"}}, float("nan"), "\ud800", {1, 2}])
def test_what_no_column_can_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"holds the character NUL|surrogates|Out of range|no value of JSON"):
        storable(value)


@pytest.mark.parametrize("value", ["\\u0000", {"\\u0000": "\\\\u0000"}, "“कोशिका”", 1.5, None])
def test_a_text_about_nul_is_a_text(value: object) -> None:
    assert storable(value) == value
