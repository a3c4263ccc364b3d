"""Numbers are the same in every usual form, and others aren't."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.number_words import language_of
from src.domain.numerals import counts, missing, other_units, values, written


@pytest.mark.parametrize(
    ("said", "given", "language"),
    [
        ("CO2", "CO₂", "en"),
        ("10^6", "10⁶", "en"),
        ("$10^{-3}$", "0.001", "en"),
        ("6.022 × 10^23", "602,200,000,000,000,000,000,000", "en"),
        ("1914 to 1918", "1914–18", "en"),
        ("1914 to 1918", "in 1914–18, in Europe", "en"),
        ("2.5 and 1/2", "2½ and 2.5", "en"),
        ("2750", "2.750,00", "pt"),
        ("40", "σαράντα", "el"),
        ("the 19th century", "the nineteenth century", "en"),
        ("1.5 million", "1,500,000", "en"),
        ("1,5 Millionen", "1.500.000", "de"),
        ("1.5亿", "150000000", "zh"),
        ("5 लाख", "5,00,000", "hi"),
        ("Act 3", "Act III", "en"),
        ("Louis 16", "Louis XVI", "en"),
        ("18e siècle", "XVIIIᵉ siècle", "fr"),
        ("17 000", "17,000", "en"),
        ("17\u2009000", "17000", "en"),
        ("17\u00a0000", "17,000", "en"),
        ("17'000", "17,000", "en"),
        ("17{,}000", "17,000", "en"),
        ("1,00,000", "100000", "en"),
        ("3,5", "3.5", "de"),
        ("12", "twelve", "en"),
        ("205", "two hundred and five", "en"),
        ("2,000", "two thousand", "en"),
        ("21", "vingt et un", "fr"),
        ("12", "двенадцать", "ru"),
        ("100", "一百", "zh"),
        ("150 000 000", "一亿五千万", "zh"),
        ("3000000000000", "三万亿", "zh"),
        ("25 000 000", "二千五百万", "ja"),
        ("25", "二十五", "ja"),
        ("50", "٥٠", "ar"),
        ("-2", "−2", "en"),
        ("12", "zwölf", "de"),
        ("12", "twelve", "de"),  # a source in English
    ],
)
def test_another_form_of_a_number_is_the_same(said: str, given: str, language: str) -> None:
    assert missing(said, values(given, language), language) == []


@pytest.mark.parametrize(("text", "language"), [("2.4.1 万有引力", "zh"), ("Of 4.2.1 million years", "en")])
def test_a_number_of_a_section_before_a_multiple_is_a_name(text: str, language: str) -> None:
    assert values(text, language) >= {written(text, language)[0].text}


@pytest.mark.parametrize(
    ("said", "given"),
    [("-2", "2"), ("2", "-2"), ("106", "10⁶"), ("10⁶", "106"), ("4,170", "4,180"), ("1.5", "15"), ("1919", "1914–18")],
)
def test_another_number_is_not(said: str, given: str) -> None:
    assert missing(said, values(given)) != []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("In 1665 there were 1,000 or 3.5", ["1665", "1,000", "3.5"]),
        ("007 and ١٠٠٠ and १२", ["007", "1000", "12"]),
        ("the 1990s, 19th, 5–10 %", ["1990", "19", "5", "10"]),
        ("x = -2, y=-3, 10-2, COVID-19", ["-2", "-3", "10", "2", "19"]),
        ("two of three", []),
    ],
)
def test_what_is_written_in_digits(text: str, found: list[str]) -> None:
    assert [numeral.text for numeral in written(text)] == found


@pytest.mark.parametrize(
    ("said", "quoted", "language", "others"),
    [
        ("4,170 km", "4,170 m", "en", ["4,170"]),
        ("4,170 km", "4170 kilometres", "en", []),
        ("5 °C", "5 degrees Celsius", "en", []),
        ("5 %", "5 Prozent", "de", []),
        ("3 A", "3 amperes", "en", []),
        ("3 m/s", "3 m", "en", ["3"]),
        ("5 км", "5 километров", "ru", []),
        ("15 g/kg", "15 mg/kg", "en", ["15"]),
        ("0.9 km/s", "0.9 kilometers per second", "en", []),
        ("8 min 20 s.", "8 minutes et 20 secondes", "fr", []),
        ("0,25 կմ³", "0,25 կմ²", "hy", ["0.25"]),
        ("2 メートルほど", "2 mの長さ", "ja", []),
        ("8 million tonnes", "8 million people", "en", []),  # it isn't said whether people are tonnes
    ],
)
def test_units(said: str, quoted: str, language: str, others: list[str]) -> None:
    assert other_units(said, quoted, language) == others


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("Three large cells and 1,000 atoms", "en", [("3", {"larg", "cell"}), ("1000", {"atom"})]),
        ("twenty-five cells, 3.5 metres, one cell", "en", [("25", {"cell"})]),
        ("vier Kerne in 25 Jahren", "de", [("4", {"kern"})]),
        ("two of them", "en", []),
    ],
)
def test_counts(text: str, language: str, found: list[tuple[str, set[str]]]) -> None:
    assert [(max(readings), set(things)) for readings, things in counts(text, language)] == found


@pytest.mark.parametrize("power", ["0^0", "0^-1", "$0^{-2}$", "0 × 10^60"])
def test_a_power_without_a_value_raises_nothing(power: str) -> None:
    assert written(power) and values(power)


@given(st.lists(st.sampled_from(["one", "twenty", "two-", "hundred", "ten", "tenth", " ", "-", "a", "\u0301", "é"])))
def test_no_number_word_is_passed_over(parts: list[str]) -> None:
    known, form = language_of("en"), "".join(parts)
    found = [place.span() for place, _ in known.spoken_at(form)]
    assert found == [place.span() for place in known._number.finditer(form)]


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("አንቀጽ ፲፯", "am", "17"),
        ("፻፳፫", "am", "123"),
        ("፲፰፻፹፰ ዓ.ም.", "am", "1888"),
        ("፼", "am", "10000"),
        ("전자 열 개", "ko", "10"),
    ],
)
def test_ethiopic_numerals_and_native_korean_ones(text: str, language: str, value: str) -> None:
    assert value in values(text, language)
