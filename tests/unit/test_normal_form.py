"""Spellings of the same words have one normal form, and what means another thing has another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.normal_form import _PIECE, _places, normal, normal_text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CO2", "CO₂"),
        ("$\\mathrm{CO_2}$", "CO₂"),
        ("10^6", "10⁶"),
        ("$10^{6}$", "10⁶"),
        ("b^2", "b²"),
        ("17 000", "17'000"),
        ("17\u2009000", "17000"),
        ("1,00,000", "100000"),
        ("1.000.000", "1 000 000"),
        ("17{,}000", "17000"),
        ("İklimi", "iklimi"),
        ("3,5", "3.5"),
        ("٣٫٥", "3.5"),
        ("x_1 = -2", "$x_1=-2$"),
        ("x₁", "$x_{1}$"),
        ("1914–18", "1914-18"),
        ("a – b", "a-b"),
        ("\\(\\frac{1}{2}\\)", "½"),
        ("$2 \\times 3$", "2 × 3"),
        ("2*3", "2 × 3"),
        ("100 \\%", "100%"),
        ("20 °C", "20°C"),
        ("`printf`", "printf"),
        ("**bold** and _soft_", "bold and soft"),
        ("STRASSE", "Straße"),
        ("‘a’ “b” «c»", '\'a\' "b" "c"'),
        ("１２", "12"),
        ("  a  \n b ", "a b"),
        ("W = Fd", "W=Fd"),
        ("- 10 bits give 1,024", "10 bits give 1,024"),
        ("0 to 255\n- 10 bits", "0 to 255 10 bits"),
        ("see:\n\n* one\n+ two", "see: one two"),
        ("a / b → c", "a/b→c"),
        ("2 ✕ 3", "2×3"),
    ],
)
def test_what_a_reader_takes_for_the_same_is_the_same(one: str, other: str) -> None:
    assert normal_text(one) == normal_text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("-2", "2"), ("- 2", "2"), ("10⁶", "106"), ("x = -2", "x = 2"), ("a/b", "ab"), ("2½", "21/2")],
)
def test_what_means_another_thing_is_not(one: str, other: str) -> None:
    assert normal_text(one) != normal_text(other)


def test_a_place_in_it_leads_back_to_the_text() -> None:
    text = "  The **CO₂** of 17 000 – or $\\frac{1}{2}$ — is ‘good’."
    form = normal(text)
    for wanted, found in [("co2", "CO₂"), ("17000", "17 000"), ("1/2", "\\frac{1}{2}"), ("good", "good"), ("or", "or")]:
        start = form.text.index(wanted)
        first, last = form.source(start, start + len(wanted))
        assert text[first:last] == found


@given(
    st.text()
    | st.lists(st.sampled_from([" ", "–", "1", "000", ",", "²", "\\frac{1}{2}", "a", "$", "ß", "१"])).map("".join)
)
def test_every_place_lies_in_the_text_and_none_goes_back(text: str) -> None:
    form = normal(text)
    places = [form.source(position, position + 1) for position in range(len(form.text))]
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert places == sorted(places)


@given(st.text())
def test_the_form_of_a_form_is_the_same(text: str) -> None:
    once = normal_text(text)
    assert normal_text(normal_text(once)) == normal_text(once)


@given(st.text(alphabet="ab Z09.,;=<+/%°*·✕-–\\_${}'’“ \u00a0\u2009\n\u0301é½⁶ﬁßŉ٣٫，。बกខ中が한אα", max_size=40))
def test_no_piece_is_passed_over(text: str) -> None:
    begins = {0, *_places(text)}
    pieces = {place for place in range(len(text)) if _PIECE.match(text, place)}
    inside = {place for found in _PIECE.finditer(text) for place in range(found.start() + 1, found.end())}
    assert pieces - inside <= begins


def test_no_letter_is_passed_over_that_begins_a_piece() -> None:
    strange = [char for char in map(chr, range(0x80, 0x30000)) if _PIECE.match(f"a{char}", 1)]
    assert strange and all(1 in _places(f"a{char}") for char in strange)
