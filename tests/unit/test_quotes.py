import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.quality.quotes import is_too_short, locate

TEXT = (
    "The **cell membrane** is the thin border of the cell—it lets water in. It does not let large molecules pass."
    " In 1665, Robert Hooke saw 300 “cells” in cork."
)


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("the thin border of the cell", "the thin border of the cell"),
        ("THE CELL MEMBRANE IS\n the thin border", "The **cell membrane** is the thin border"),
        ("border of the cell - it lets water in", "border of the cell—it lets water in"),
        ('Robert Hooke saw 300 "cells" in cork', "Robert Hooke saw 300 “cells” in cork"),
        ("It does not let large molecule pass.", "It does not let large molecules pass"),
        ("Robert Hook saw 300 cells in cork.", "Robert Hooke saw 300 “cells” in cork"),
    ],
)
def test_a_quotation_is_found_though_signs_case_or_a_letter_differ(quote: str, found: str) -> None:
    located = locate(quote, TEXT)
    assert located is not None
    assert TEXT[located.start : located.end].rstrip(".") == found
    assert 90 <= located.score <= 100


@pytest.mark.parametrize(
    "quote",
    [
        "the nucleus is the thin border of the cell",
        "It does let large molecules pass.",
        "It does not let no large molecules pass.",
        "In 1666, Robert Hooke saw 300 cells in cork.",
        "In 1665, Robert Hooke saw 301 cells in cork.",
        "In 1665, Robert Boyle saw 300 cells in cork.",
        "Plants make sugar from light and water.",
        TEXT + " And so on, for ever and ever.",
        "",
        "**",
    ],
)
def test_one_that_says_something_else_is_not(quote: str) -> None:
    assert locate(quote, TEXT) is None


def test_a_word_at_the_edge_is_whole() -> None:
    text = "कोशिका झिल्ली कोशिका की सीमा है।"
    located = locate("कोशिका झिल्ली कोशिका की सीम", text)
    assert located is not None
    assert text[located.start : located.end].endswith("सीमा")


@pytest.mark.parametrize(
    ("quote", "short"),
    [
        ("a cell", True),
        ("the border of the cell", False),
        ("細胞は小さい", False),
        ("* _ *", True),
        ("कोशिका है", False),
    ],
)
def test_what_is_too_short_proves_nothing(quote: str, short: bool) -> None:
    assert is_too_short(quote) is short


@given(st.text(min_size=1), st.text(), st.text())
def test_whatever_stands_there_is_found(quote: str, before: str, after: str) -> None:
    text = before + quote + after
    located = locate(quote, text)
    assert located is None or (0 <= located.start < located.end <= len(text))


@given(st.text(alphabet="abcdefgh ", min_size=20, max_size=80), st.text(alphabet="xyz ", max_size=200))
def test_word_for_word_scores_full(quote: str, around: str) -> None:
    located = locate(quote, f"{around} {quote} {around}")
    assert quote.strip() == "" or (located is not None and located.score == 100)


def test_a_very_long_quotation_has_to_be_there_word_for_word() -> None:
    long = " ".join(f"word{number}" for number in range(200))
    assert locate(long, f"Before. {long} After.") is not None
    assert locate(long.replace("word100 ", "wort100 "), f"Before. {long} After.") is None
