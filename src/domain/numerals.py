"""Numbers in text, in every usual form, by their values.

A number may be written in more ways than one (17 000 and 17,000; 1.5 million and 1,500,000; 19th and nineteenth; Act 3
and Act III), and one way may stand for more numbers than one (1.500 is another number in German than in English;
1914–18 holds 1918). So what is compared are readings: a number that a text gives is any of them. Signs, words for large
numbers and units are Babel's (Unicode CLDR), number words num2words', Roman numerals and Chinese ones read here.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache

import regex

from src.domain.language_tag import primary_subtag
from src.domain.normal_form import with_capitals
from src.domain.number_words import Language, language_of
from src.domain.words import carries_content, stem, words

_WRITTEN = regex.compile(
    r"(?P<sign>(?:(?<![\p{L}\p{N})\]%°'\"^])|(?<=\^))[-+])?(?P<digits>\p{Nd}+(?:[.,]\p{Nd}+)*)"
    r"(?:\^(?P<power>[-+]?\p{Nd}{1,3}))?(?:×10\^(?P<tens>[-+]?\p{Nd}{1,3}))?"
)
# Digits of any script, and the signs that have some in their normal form.
_DIGIT = re.compile(r"[\d\u00b2\u00b3\u00b9\u00bc-\u00be\u2070-\u2189\u2460-\u24ff\u3200-\u33ff\U0001f100-\U0001f10f]")
_SEPARATOR = regex.compile("[.,]")
_RANGE = regex.compile(r"(?<![\p{Nd}.,])(\p{Nd}{2,4})-(\p{Nd}{1,2})(?![\p{Nd}-]|[.,]\p{Nd})")
_FRACTION = regex.compile(r"(?<![\p{Nd}.,/])(\p{Nd}{1,3})/(\p{Nd}{1,3})(?![\p{Nd}/])")
_ROMAN = regex.compile(
    r"(?<![\p{L}\p{N}])(?:(?=[IVXLC]{2})|(?<=\p{Lu}\p{Ll}+\s)(?=[IVX]))(?=[IVXLCDM])"
    r"(M{0,3})(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})(?![\p{Lu}\p{N}])"
)
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_HAN = re.compile(r"[〇零一二两兩三四五六七八九十百千万萬亿億]+")
_HAN_DIGITS = {
    char: value
    for value, chars in enumerate(("〇零", "一", "二两兩", "三", "四", "五", "六", "七", "八", "九"))
    for char in chars
}
_HAN_STEPS = {"十": 10, "百": 100, "千": 1000}
_HAN_MYRIADS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_ETHIOPIC = re.compile(r"[፩-፼]+")
_LARGEST_POWER = 60
_COUNTED_CHARACTERS = 60
"""In so many characters behind a number stand the three words that say what it counts."""


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number that is written in digits."""

    text: str
    """The number as the text's normal form has it, such as `1500000`."""
    readings: frozenset[str]
    """Its possible values as plain decimals, such as `-2` and `0.5`."""
    unit: str | None
    """CLDR's name of the unit that follows it, such as `length-kilometer`; None if none does."""


@lru_cache(maxsize=2048)
def written(text: str, language: str = "en") -> tuple[Numeral, ...]:
    """Returns the numbers that a text writes in digits, in order. `language` is the BCP 47 tag of the text."""
    if not _DIGIT.search(text):
        return ()
    form, known = with_capitals(text), language_of(language)
    ends = {found.start(2): found for found in _RANGE.finditer(form)}
    fractions = {found.start(place): found for found in _FRACTION.finditer(form) for place in (1, 2)}
    return tuple(_numeral(found, form, known, ends, fractions) for found in _WRITTEN.finditer(form))


def _numeral(
    found: regex.Match[str],
    form: str,
    language: Language,
    ends: dict[int, regex.Match[str]],
    fractions: dict[int, regex.Match[str]],
) -> Numeral:
    digits, sign = found["digits"], "-" if found["sign"] == "-" else ""
    readings = {sign + reading for reading in _readings(digits)}
    if found["power"] or found["tens"]:
        power = int(found["power"] or 1)
        tens = int(found["tens"] or 0)
        if abs(power) <= _LARGEST_POWER and abs(tens) <= _LARGEST_POWER:
            readings = {_raised(reading, power, tens) for reading in readings}
    if multiplier := language.multiplier(form, found.end()):
        readings |= {_multiplied(reading, multiplier.value) for reading in readings}
    if span := ends.get(found.start("digits")):
        readings.add(span[1][: -len(span[2])] + span[2] if len(span[1]) > len(span[2]) else span[2])
    if fraction := fractions.get(found.start("digits")):
        readings.add(f"{fraction[1]}/{fraction[2]}")
    is_decade = digits.endswith("0") and form.startswith("s", found.end())  # 1930s
    unit = None if is_decade else language.unit(form, multiplier.end if multiplier else found.end())
    return Numeral(found.group(), frozenset(readings), unit)


def _multiplied(reading: str, multiple: Decimal) -> str:
    try:
        return _plain(Decimal(reading) * multiple)
    except ArithmeticError:
        return reading  # such as 2.4.1, which is no number but a name


def _raised(reading: str, power: int, tens: int) -> str:
    try:
        return _plain(Decimal(reading) ** power * Decimal(10) ** tens)
    except ArithmeticError:
        return f"{reading}^{power}"  # 0^0 and 0^-1 have no value


def _readings(digits: str) -> set[str]:
    """Returns the values of digits with commas and full stops: 1.500 may be one and a half, and fifteen hundred."""
    if digits.isdecimal():
        return {digits.lstrip("0") or "0"}
    parts = _SEPARATOR.split(digits)
    readings = set[str]()
    if [len(part) <= 2 for part in parts] == [True, True, False] and len(parts[2]) == 4:
        return {part.lstrip("0") for part in parts}  # a date, such as 28.06.1996
    if len(parts) == 2:
        readings.add(_plain(Decimal(".".join(parts))))
    elif digits[len(parts[0])] != digits[-len(parts[-1]) - 1]:  # 1.234,5
        readings.add(_plain(Decimal("".join(parts[:-1]) + "." + parts[-1])))
    if all(len(part) == 3 for part in parts[1:]) and parts[0] != "0":
        readings.add(_plain(Decimal("".join(parts))))
    return readings or {digits}  # such as 2.4.1, which is no number but a name


def _plain(value: Decimal) -> str:
    try:
        shown = format(value.normalize(), "f")
    except InvalidOperation:
        return str(value)
    return "0" if shown in ("-0", "0") else shown


@lru_cache(maxsize=2048)
def values(text: str, language: str = "en") -> frozenset[str]:
    """Returns every value that a text may give, in digits, words, Roman or Chinese numerals, as plain decimals."""
    form, known = with_capitals(text), language_of(language)
    found = {reading for numeral in written(text, language) for reading in numeral.readings}
    found |= {_plain(Decimal(value)) for value in known.spoken(form)}
    found |= set(_roman(form))
    found |= set(_han(form))
    found |= set(_ethiopic(form))
    return frozenset(found)


def _roman(form: str) -> Iterator[str]:
    for found in _ROMAN.finditer(form):
        values = [_ROMAN_VALUES[letter] for letter in found.group()]
        if values:
            following = [*values[1:], 0]
            yield str(sum(-it if it < after else it for it, after in zip(values, following, strict=True)))


def _han(form: str) -> Iterator[str]:
    for found in _HAN.findall(form):
        if all(char in _HAN_DIGITS for char in found):
            yield _plain(Decimal("".join(str(_HAN_DIGITS[char]) for char in found)))
            continue
        total = part = digit = 0
        largest = 1  # of the myriads so far
        for char in found:
            if char in _HAN_DIGITS:
                digit = _HAN_DIGITS[char]
            elif char in _HAN_STEPS:
                part, digit = part + max(digit, 1) * _HAN_STEPS[char], 0
            elif _HAN_MYRIADS[char] > largest:  # 万亿 multiplies all before it
                largest = _HAN_MYRIADS[char]
                total, part, digit = (total + part + digit or 1) * largest, 0, 0
            else:  # 一亿五千万 adds
                total, part, digit = total + max(part + digit, 1) * _HAN_MYRIADS[char], 0, 0
        yield str(total + part + digit)


def _ethiopic(form: str) -> Iterator[str]:
    for found in _ETHIOPIC.findall(form):
        total = part = 0
        for value in map(int, map(unicodedata.numeric, found)):
            if value == 10_000:
                total, part = (total + part or 1) * value, 0
            else:
                part = max(part, 1) * value if value == 100 else part + value
        yield str(total + part)


def counts(text: str, language: str = "en") -> list[tuple[frozenset[str], frozenset[str]]]:
    """Returns what a text counts, in order: the readings of each whole number, in digits or words, and what it counts.

    The latter are the stems of the content words among the three words that follow it: "three large cells" counts
    `large` and `cell`. Zero and one are left out, as "one" is often no number, and so are years and other measures, as
    two texts that count these may count different things.
    """
    form, known = with_capitals(text), language_of(language)
    found = [(place.end(), {str(value)}) for place, value in known.spoken_at(form.casefold())]
    if _DIGIT.search(text):
        plain = (it for it in _WRITTEN.finditer(form) if not (it["sign"] or it["power"] or it["tens"]))
        found += [(it.end(), set(_readings(it["digits"]))) for it in plain]
    return [
        (frozenset(readings), things)
        for end, readings in sorted(found, key=lambda it: it[0])
        if readings - {"0", "1"} and all(map(str.isdecimal, readings))
        if (things := _things(form, end, known, language))
    ]


def _things(form: str, end: int, known: Language, language: str) -> frozenset[str]:
    if known.unit(form, end):
        return frozenset()
    following = words(form[end : end + _COUNTED_CHARACTERS])[:3]
    things = frozenset(stem(word, language) for word in following if _is_thing(word, known, language))
    return things - _measures(primary_subtag(language))


def _is_thing(word: str, known: Language, language: str) -> bool:
    return carries_content(word, language) and not word[0].isdecimal() and word not in known.numbers


@lru_cache(maxsize=32)
def _measures(subtag: str) -> frozenset[str]:
    return frozenset(stem(word, subtag) for unit in language_of(subtag).units for word in words(unit))


def missing(text: str, given: frozenset[str], language: str = "en") -> list[str]:
    """Returns the numbers in digits of `text` of which no reading is among the values `given`, in order."""
    return list(dict.fromkeys(it.text for it in written(text, language) if not is_given(it, given)))


def is_given(numeral: Numeral, given: frozenset[str]) -> bool:
    """Returns whether one of the readings of a number is among the values `given`."""
    return not numeral.readings.isdisjoint(given)


def other_units(text: str, quotation: str, language: str = "en") -> list[str]:
    """Returns the numbers of `text` that `quotation` gives too, but of another unit, such as m instead of km."""
    quoted = [numeral for numeral in written(quotation, language) if numeral.unit]
    found = []
    for numeral in written(text, language):
        units = {other.unit for other in quoted if other.unit and other.readings & numeral.readings}
        if numeral.unit and units and not any(may_be_the_same(numeral.unit, unit) for unit in units):
            found.append(numeral.text)
    return found


def may_be_the_same(unit: str, other: str) -> bool:
    """Returns whether two names of units may mean one: km/s isn't held against "kilometers per second"."""
    return unit == other or ("/" in unit) != ("/" in other)
