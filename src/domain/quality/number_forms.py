"""The forms in which a text may give a number that another gives: rounded, in another unit, as a decade, as a sum.

What is reckoned here is meant to acquit: a number that some form makes of those given may be right.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, DecimalException
from functools import lru_cache
from itertools import combinations

import regex

from src.domain.measures import MOST_OFF, are_equal
from src.domain.normal_form import normal_text
from src.domain.number_words import language_of
from src.domain.numerals import Numeral

_LEAST_APART, _SURELY_APART = 2, 3
"""Numbers with the same digits that are so many powers of ten apart have different units, even untold ones."""
YEARS = range(1000, 2101)
_EARLIEST_YEAR = 100
_NOON = 12
_CENTURIES = range(1, 22)
LEAST_RECKONED = 10
"""Smaller whole numbers can be made of nearly any others."""
_TODAY = 2026
"""The year that "so many years ago" is counted to. A gate finds the same in a text whenever it is asked."""
_MOST_NUMBERS = 60
"""Of so many numbers at most are sums and differences taken; more would make up nearly any number."""
_DECADE = regex.compile(
    r"\b(?:années|siècles?|años|décadas?|anos|anni|secoli|jahre|jaren|yıllar\w*|годы|годах|годов|века\w*|δεκαετία\w*|שנות)\b"
    r"|年代|년대|दशक|عقد|ينيات|ทศวรรษ|ական|ሠዎቹ|ទសវត្សរ៍",
    regex.IGNORECASE,
)
_WORDS = regex.compile(r"\p{L}[\p{L}\p{M}]*")
_PERCENT = "concentr-percent"
_HALF = Decimal("0.5")
EASILY_SPELLED = 2
"""Numbers of so many digits, zeros at the end aside, are round, and easily written in words and in many forms."""


def is_derived(
    number: Numeral,
    text: str,
    given: Iterable[Numeral],
    known: frozenset[str],
    beside: Sequence[Numeral],
    language: str,
) -> bool:
    """Returns whether a number is another form of one of those that are given, or reckoned from those `beside` it.

    `text` is the sentence that it stands in; `known` holds all values that are given, in words too.
    """
    if (
        not {reading.lstrip("-") for reading in number.readings}.isdisjoint(known)
        or is_borne_out(number, given, known)
        or is_time(number, text, known, language)
    ):
        return True
    pool = [value for other in beside if other.readings != number.readings for value in decimals(other)]
    near = [value for other in given for value in decimals(other)]
    products = {one * other for one in (*pool, Decimal(2)) for other in (*pool, *near)}
    beside_it = {reading for other in beside for reading in other.readings}
    return not products.isdisjoint(decimals(number)) or is_reckoned(number, beside) or is_share(number, beside_it)


def is_borne_out(number: Numeral, given: Iterable[Numeral], known: frozenset[str]) -> bool:
    """Returns whether a number is another form of one that is `given`, or of one of the values `known`."""
    if any(is_form(other, number) for other in given):
        return True
    # The fortieth part is 1/40, and a quarter 25 %; every fifth is 20 %.
    shares = [value for value in decimals(number) if number.unit == _PERCENT and value % 100]
    parts = (*(value / 100 for value in shares), *(100 / value for value in shares))
    return any(plain_decimal(part) in known for part in (*parts, *(1 / value for value in decimals(number) if value)))


def is_form(given: Numeral, said: Numeral) -> bool:
    """Returns whether the number `said` is another form of the one that is `given`."""
    if not given.readings.isdisjoint(said.readings):
        return True
    if _may_be_in_another_unit(given, said):
        return True
    return any(
        (given.unit and said.unit and are_equal(value, given.unit, other, said.unit))
        or (not is_year(given) and _is_rounded(value, other))
        for value in decimals(given)
        for other in decimals(said)
    )


def _may_be_in_another_unit(given: Numeral, said: Numeral) -> bool:
    """Returns whether two numbers have the same digits, and units that aren't told, such as percent."""
    if given.unit and said.unit:
        return False
    one = _likely(given)
    fractions = [value for value in decimals(said) if 0 < value < 1]
    return any(_are_powers_apart(one, other, bool(given.unit or said.unit)) for other in (_likely(said), *fractions))


def _are_powers_apart(one: Decimal, other: Decimal, is_a_unit_told: bool) -> bool:
    if not one or not other or digits_of(one) != digits_of(other):
        return False
    apart = abs((one / other).copy_abs().log10())
    return apart >= _LEAST_APART if is_a_unit_told else apart >= _SURELY_APART and len(digits_of(other)) > 1


def _is_rounded(given: Decimal, said: Decimal) -> bool:
    """Returns whether `said` has fewer digits that count than `given`, and stands for it, rounded up or down."""
    if (given < 0) != (said < 0) or not given or not said:
        return False
    if len(digits_of(said)) >= len(digits_of(given)):
        return False
    off = abs(given - said)
    is_whole = off <= _HALF and said == said.to_integral_value()  # under 2 %, of 1.86 %
    return off < Decimal(1).scaleb(_exponent(said)) and (is_whole or off <= MOST_OFF * abs(given))


def digits_of(value: Decimal) -> str:
    """Returns the digits of a number that count: 5747 of 57,470."""
    return "".join(map(str, value.normalize().as_tuple().digits))


def _exponent(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def is_time(number: Numeral, text: str, known: frozenset[str], language: str) -> bool:
    """Returns whether a number is a decade or century with a year that is given, or a time since then."""
    for said in decimals(number):
        if said != said.to_integral_value() or said < 1:
            continue
        whole = int(said)
        if whole <= _NOON and str(whole + _NOON) in known and _is_afternoon(number.text, text):
            return True
        is_century = whole in _CENTURIES and any(_is_in(year, 100 * (whole - 1), 100 * whole) for year in known)
        if is_century and _stands_before_century(number.text, text, language):
            return True
        if whole in YEARS and whole % 10 == 0 and _is_span(number.text, text):
            is_round = whole % 100 == 0
            if any(_is_in(year, whole, whole + (99 if is_round else 9)) for year in known):
                return True
            if is_round and str(whole // 100 + 1) in known:
                return True
        if len(digits_of(said)) <= EASILY_SPELLED and whole > _EARLIEST_YEAR and _is_since(said, known):
            return True
        if whole < YEARS[0] and (short := _short_year(number.text, text)) is not None:
            is_century_given = whole % 100 == 0 and str(YEARS[0] // 100 + whole // 100 + 1) in known
            return is_century_given or any(len(year) == 4 and short.match(year) for year in known)
    return False


def _is_afternoon(digits: str, text: str) -> bool:
    """Returns whether a number is an hour of twelve in the afternoon, as in "3 p.m."."""
    return regex.search(rf"(?<!\p{{Nd}}){regex.escape(digits)}[\s\u00a0]?[pP]\.?[mM]\b", text) is not None


def _short_year(digits: str, text: str) -> re.Pattern[str] | None:
    """Returns a pattern for the years that digits may stand for: '64, the 30s, or the '700 of Italian; None if none."""
    start = text.find(digits)
    has_sign = start > 0 and text[start - 1] in "'’‘"
    has_plural = start >= 0 and text.startswith("s", start + len(digits))
    if not (has_sign or has_plural):
        return None
    if len(digits) == 3 and digits.endswith("00"):
        return re.compile(rf"1{digits[0]}\d\d$")
    if len(digits) == 2 and has_plural and digits.endswith("0"):
        return re.compile(rf"\d\d{digits[0]}\d$")
    return re.compile(rf"\d\d{digits}$") if len(digits) == 2 and has_sign else None


def _stands_before_century(digits: str, text: str, language: str) -> bool:
    """Returns whether a number is that of a century: "17th century"."""
    found = regex.search(rf"(?<!\p{{Nd}}){regex.escape(digits)}(\P{{Nd}}{{0,30}})", normal_text(text))
    following = _WORDS.findall(found[1])[:2] if found else []
    return any(word.startswith(name[:3]) for word in following for name in _century_words(language))


@lru_cache(maxsize=32)
def _century_words(language: str) -> frozenset[str]:
    units = language_of(language).units
    return frozenset(normal_text(word) for word, unit in units.items() if unit == "duration-century" and len(word) > 1)


def _is_span(digits: str, text: str) -> bool:
    """Returns whether a round year stands for all its decade or century, as in 1950s."""
    found = regex.search(
        rf"{regex.escape(digits)}(['’]?(?:s|ers?|ern)(?!\p{{L}})|-?\p{{L}}{{1,3}}(?!\p{{L}})|\s?\p{{Lo}})", text
    )
    return found is not None or _DECADE.search(text) is not None


def _is_since(said: Decimal, known: frozenset[str]) -> bool:
    """Returns whether so many years, in round numbers, lie between a year that is given, of either era, and now."""
    return any(
        abs(Decimal(_TODAY + sign * int(year)) - said) <= MOST_OFF * said
        for year in known
        if _is_in(year, _EARLIEST_YEAR, _TODAY)
        for sign in ((1, -1) if int(year) < YEARS[0] else (-1,))
    )


def _is_in(year: str, first: int, last: int) -> bool:
    return year.isdecimal() and len(year) in (3, 4) and first <= int(year) <= last


def is_reckoned(number: Numeral, beside: Iterable[Numeral]) -> bool:
    """Returns whether a number is the sum, difference or ratio of two others, or what is left of a hundred."""
    likely = (_likely(other) for other in beside if other.readings != number.readings)
    pool = [value for value in dict.fromkeys(likely) if abs(value) not in (0, 1)]
    wanted = {value for value in decimals(number) if value != value.to_integral_value() or value >= LEAST_RECKONED}
    if len(pool) > _MOST_NUMBERS:
        return False
    return any(result in wanted for result in _results(pool))


def _results(pool: Sequence[Decimal]) -> Iterator[Decimal]:
    for index, one in enumerate(pool):
        yield 100 - one
        yield 1 - one
        for other in pool[index + 1 :]:
            yield abs(one - other)
            if not (_may_be_year(one) or _may_be_year(other)):
                yield one + other
                yield (one / other).normalize()
                yield (other / one).normalize()


def _may_be_year(value: Decimal) -> bool:
    return YEARS.start <= value < YEARS.stop  # `in` would compare a decimal with each of the range


def are_worked_out(numbers: Sequence[Numeral], beside: Iterable[Numeral]) -> bool:
    """Returns whether of the `numbers` one is another one times a number `beside` them, or so many percent of it.

    So a sentence works an example: at 19 %, 200 euros make 38.
    """
    given = [value for other in beside for value in decimals(other) if value not in (0, 1)][:_MOST_NUMBERS]
    values = [value for number in numbers for value in decimals(number) if value][:_MOST_NUMBERS]
    factors = {factor / divisor for factor in given for divisor in (1, 100)} - {Decimal(1)}
    return not {value * factor for value in values for factor in factors}.isdisjoint(values)


def is_share(number: Numeral, beside: Iterable[str]) -> bool:
    """Returns whether a percentage is what one of the values `beside` is of another, or by how much they differ."""
    if number.unit != _PERCENT:
        return False
    pool = [value for value in decimals_of(frozenset(beside) - number.readings) if value > 0]
    if len(pool) > _MOST_NUMBERS:
        return False
    return any(
        abs(100 * part / whole - said) <= Decimal(5).scaleb(_exponent(said) - 1)
        for said in decimals(number)
        for one, other in combinations(pool, 2)
        for part, whole in ((one, other), (other - one, one), (other - one, other))
    )


def is_year(number: Numeral) -> bool:
    """Returns whether a number is that of a year of our calendar."""
    # Chinese, Japanese and Korean write the word for years behind those of the calendar too.
    return (
        number.unit in (None, "duration-year")
        and len(number.text) == 4
        and number.text.isdecimal()
        and int(number.text) in YEARS
    )


@lru_cache(maxsize=4096)
def decimals_of(readings: frozenset[str]) -> tuple[Decimal, ...]:
    """Returns the values of readings, the smallest first."""
    found = []
    for reading in readings:
        try:
            above, _, below = reading.partition("/")
            value = Decimal(above) / Decimal(below) if below else Decimal(above)
        except DecimalException:
            continue
        if value.is_finite():
            found.append(value)
    return tuple(sorted(found))


def _likely(number: Numeral) -> Decimal:
    """Returns the value that a number most likely has: 6,000 rather than 6."""
    return max(decimals(number), default=Decimal(0))


def decimals(number: Numeral) -> tuple[Decimal, ...]:
    """Returns the possible values of a number."""
    return decimals_of(number.readings)


def plain_decimal(value: Decimal) -> str:
    """Returns a number as the readings of numerals write it."""
    return format(value.normalize(), "f")
