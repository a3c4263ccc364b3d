import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.source import DOCUMENT_BYTES, document_name, passes_filter


@pytest.mark.parametrize(
    ("document", "source_filter", "passes"),
    [
        ("microbiology/1-3.md", None, True),
        ("microbiology/1-3.md", "", True),
        ("microbiology/1-3.md", "microbiology", True),
        ("microbiology/1-3.md", "microbiology/", True),
        ("microbiology/1-3.md", "/microbiology", True),
        ("/microbiology//1-3.md", "microbiology", True),
        ("microbiology/1-3.md", "microbiology/1-3.md", True),
        ("microbiology/1-3.md", "micro", False),
        ("microbiology/1-3.md", "microbiology/1", False),
        ("microbiology/1-3.md", "Microbiology", False),
        ("old/microbiology/1-3.md", "microbiology", False),
        ("1-3.md", "microbiology", False),
    ],
)
def test_a_filter_is_a_prefix_of_whole_segments(document: str, source_filter: str | None, passes: bool) -> None:
    assert passes_filter(document, source_filter) is passes


@given(st.text(min_size=1) | st.text(min_size=700, max_size=900, alphabet=st.characters(min_codepoint=0x900)))
def test_whatever_a_document_is_called_its_name_can_be_stored_and_stays_when_it_is_given_again(given_name: str) -> None:
    name = document_name(given_name)
    assert 0 < len(name.encode()) <= DOCUMENT_BYTES and "\n" not in name
    assert document_name(name) == name


def test_a_name_that_fits_is_kept_and_two_long_ones_stay_two() -> None:
    assert document_name("biology/ज्ञान.md") == "biology/ज्ञान.md"
    assert document_name("x" * DOCUMENT_BYTES) == "x" * DOCUMENT_BYTES
    beginning = "biology/" + "ज्ञान" * 400
    first, second = document_name(beginning + "1.md"), document_name(beginning + "2.md")
    assert first != second and first[:600] == second[:600] == beginning[:600]
