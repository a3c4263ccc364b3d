"""Spellings of the same words have one normal form, and what means another thing has another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.normal_form import normal, normal_text


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
    ],
)
def test_what_a_reader_takes_for_the_same_is_the_same(one: str, other: str) -> None:
    assert normal_text(one) == normal_text(other)


@pytest.mark.parametrize(
    ("one", "other"), [("-2", "2"), ("10⁶", "106"), ("x = -2", "x = 2"), ("a/b", "ab"), ("2½", "21/2")]
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
