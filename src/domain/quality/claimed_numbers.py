"""Holds the numbers of a sentence against what it is said to rest on: only those count that are surely other ones.

A true sentence may give a number in another form than its source: rounded, in another unit, as a decade or century, as a
difference or sum, spelled out. So a number is wrong only if none of these makes it of those of the source, and if the
quotation has another one in its place, or could hardly give it in words.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, DecimalException
from functools import lru_cache

from src.domain.language_tag import primary_subtag
from src.domain.measures import factor
from src.domain.numerals import Numeral, counts, other_units, values, written
from src.domain.quality.judged_text import is_calculation, is_made_up, prose_of

_MOST_OFF = Decimal("0.05")
"""By what share a rounded number may differ from the one that it stands for."""
_EASILY_SPELLED = 2
"""Numbers of so many digits, zeros at the end aside, are easily written in words, and in many forms."""
_SPELLED_SURELY = frozenset({"en", "de", "fr", "es", "pt", "it", "nl"})
"""Languages whose number words are told in nearly all forms."""
_LEAST_APART, _SURELY_APART = 2, 3
"""Numbers with the same digits that are so many powers of ten apart have different units, even if one isn't told, or none."""
_YEARS = range(1000, 2101)
_EARLIEST_YEAR = 100
_SURELY_YEARS = frozenset(map(str, _YEARS))
_OWN_SUMS = frozenset({"2"})
"""What a sentence counts so it often sums up itself: "two scientists, Schleiden and Schwann"."""
_CENTURIES = range(1, 22)
_ALWAYS = frozenset({"0", "1"})
"""What may be said without a source: "for each kilometre" is for 1 km."""
_LEAST_RECKONED = 10
"""Smaller whole numbers can be made of nearly any others."""
_TODAY = 2025
_MOST_NUMBERS = 60
"""Of so many numbers at most are sums and differences taken; more would make up nearly any number."""


def wrong_numbers(
    sentence: str, quotes: str, passages: Sequence[str], language: str, own: frozenset[str] = frozenset()
) -> list[str]:
    """Returns the numbers in digits of a sentence that its quotations and passages surely give otherwise, or not at all.

    `sentence` is without citations, `quotes` all its quotations in one text; `language` their BCP 47 tag. `own`: the
    numbers that the lesson works with in other places too.
    """
    said = judged_numbers(sentence, language)
    if not said:
        return []
    spoken = values(sentence, language)
    quoted = written(prose_of(quotes), language)
    rivals = [it for it in quoted if not it.readings & spoken and not any(_is_form(it, other) for other in said)]
    given = frozenset().union(*(values(text, language) for text in passages))
    in_digits = tuple(number for text in passages for number in written(text, language))
    spoken_of = values(quotes, language)
    wrong = []
    for number in said:
        if number.readings & given or number.readings & _ALWAYS or _is_borne_out(number, in_digits, given):
            continue
        # What the quotation gives may be reckoned with, and the years and like measures of the passage, but not all.
        like = [it for it in in_digits if (_is_year(it) or (it.unit and it.unit == number.unit))]
        if _is_reckoned(number, [*quoted, *(it for it in said if it.readings & given), *like]):
            continue
        if any(_is_year(number) == _is_year(rival) for rival in rivals):
            wrong.append(number.text)
        elif not (_is_bound(number) or _may_be_spelled(number, language) or (number.readings & own and not spoken_of) or _is_counted_on(number, quotes, in_digits, language)):
            wrong.append(number.text)
    return wrong or _of_another_place(said, rivals, spoken_of, quoted)


def _of_another_place(
    said: Sequence[Numeral], rivals: Sequence[Numeral], spoken: frozenset[str], quoted: Sequence[Numeral]
) -> list[str]:
    """Returns the numbers of a sentence that its passage gives elsewhere, while the quotation gives others of the kind."""
    unsaid = [it for it in said if not (it.readings & spoken or _is_borne_out(it, quoted, spoken))]
    if len(unsaid) < len(said) or any(_is_reckoned(number, quoted) for number in unsaid):
        return []
    return [it.text for it in unsaid if any(_are_of_a_kind(it, rival) for rival in rivals)]


def _are_of_a_kind(one: Numeral, other: Numeral) -> bool:
    return _is_year(one) == _is_year(other) and (_is_year(one) or (one.unit is not None and one.unit == other.unit))


def _is_counted_on(number: Numeral, quotes: str, in_digits: Iterable[Numeral], language: str) -> bool:
    """Returns whether a day of a passage and a number of days in the quotation make it: the 17th, and three days later."""
    steps = [Decimal(value) for value in values(quotes, language) if value.isdecimal() and len(value) < 3]
    given = {reading for it in in_digits for reading in it.readings}
    return number.unit is None and any(
        _plain(value + sign * step) in given for value in _decimals(number) for step in steps if step for sign in (1, -1)
    )


def wrong_units(sentence: str, quotes: str, passages: Sequence[str], language: str) -> list[str]:
    """Returns the numbers that a quotation gives too, but of another unit, as no passage gives them: km instead of m."""
    if not other_units(prose_of(sentence), quotes, language):
        return []
    quoted = written(quotes, language)
    given = {(reading, it.unit) for text in passages for it in written(text, language) for reading in it.readings}
    return [
        number.text
        for number in written(prose_of(sentence), language)
        if number.unit
        and not any((reading, number.unit) in given for reading in number.readings)
        and any(_are_in_other_units(number, it) for it in quoted)
    ]


def _are_in_other_units(one: Numeral, other: Numeral) -> bool:
    if one.readings.isdisjoint(other.readings) or one.unit == other.unit:
        return False
    first, second = factor(one.unit or ""), factor(other.unit or "")
    return first is not None and second is not None and first[0] == second[0] and first[1] != second[1]


def miscounted(sentence: str, quotes: str, passages: Sequence[str], language: str) -> list[str]:
    """Returns the numbers in words in which a sentence counts what its quotation counts too, but never in that number.

    So a number word is compared only if both count the same thing. Most of what a sentence counts in words ("these two
    parts") is its own sum of what it was given.
    """
    sentence = prose_of(sentence)
    said = counts(sentence, language)
    if not said or is_calculation(sentence) or is_made_up(sentence, language):
        return []
    quoted = [(readings, things) for readings, things in counts(quotes, language) if not readings & _SURELY_YEARS]
    known = frozenset().union(*(values(text, language) for text in passages))
    known |= {reading for it in written(sentence, language) for reading in it.readings}  # these have been compared
    return [
        min(readings)
        for readings, things in said
        if not readings & known and not readings & _OWN_SUMS and any(things & counted for _, counted in quoted)
    ]


def judged_numbers(sentence: str, language: str) -> tuple[Numeral, ...]:
    """Returns the numbers of a sentence that its source must give: none of a sum, an example or a formula."""
    if is_calculation(sentence) or is_made_up(sentence, language):
        return ()
    return written(prose_of(sentence), language)


def is_derived(number: Numeral, given: Iterable[Numeral], known: frozenset[str], beside: Iterable[Numeral]) -> bool:
    """Returns whether a number is another form of one of those that are given, or reckoned from those `beside` it.

    `known` holds all values that are given, in words too.
    """
    if number.readings & known or _is_borne_out(number, given, known):
        return True
    pool = [value for other in beside if other is not number for value in _decimals(other)]
    near = [value for other in given for value in _decimals(other)]
    products = {one * other for one in pool for other in (*pool, *near)}
    return not products.isdisjoint(_decimals(number)) or _is_reckoned(number, beside)


def _is_borne_out(number: Numeral, given: Iterable[Numeral], known: frozenset[str]) -> bool:
    return any(_is_form(other, number) for other in given) or any(
        _is_time(value, known) or str(-value) in known or _plain(1 / value) in known
        for value in _decimals(number)
        if value
    )


def _is_form(given: Numeral, said: Numeral) -> bool:
    """Returns whether the number `said` is another form of the one that is `given`."""
    if not given.readings.isdisjoint(said.readings):
        return True
    return any(
        _is_measure(value, given.unit, other, said.unit) or (not _is_year(given) and _is_rounded(value, other))
        for value in _decimals(given)
        for other in _decimals(said)
    )


def _is_measure(given: Decimal, unit: str | None, said: Decimal, said_unit: str | None) -> bool:
    """Returns whether both come to the same, in different units; a unit that isn't told may be any power of ten."""
    if not given or not said or (unit and unit == said_unit):
        return False
    first, second = factor(unit or ""), factor(said_unit or "")
    if first and second:
        if first[0] != second[0]:
            return False
        one, other = abs(given) * first[1], abs(said) * second[1]
        return abs(one - other) <= _MOST_OFF * max(one, other)
    # A unit that isn't told may still be another one, such as percent, or millions of cubic metres.
    apart = abs((given / said).copy_abs().log10())
    surely = _LEAST_APART if unit or said_unit else _SURELY_APART
    return apart >= surely and _digits(given) == _digits(said) and (bool(unit or said_unit) or len(_digits(said)) > 1)


def _is_rounded(given: Decimal, said: Decimal) -> bool:
    """Returns whether `said` has fewer digits that count than `given`, and stands for it, rounded up or down."""
    if (given < 0) != (said < 0) or not given or not said:
        return False
    if len(_digits(said)) >= len(_digits(given)):
        return False
    step = Decimal(1).scaleb(_exponent(said))
    is_whole = said == said.to_integral_value() and given != given.to_integral_value()
    return abs(given - said) < step and (is_whole or abs(given - said) <= _MOST_OFF * abs(given))


def _digits(value: Decimal) -> str:
    """Returns the digits that count: 5747 of 57,470."""
    return "".join(map(str, value.normalize().as_tuple().digits))


def _exponent(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _is_time(said: Decimal, known: frozenset[str]) -> bool:
    """Returns whether a decade or century has a year that is given, or a century is given in words, or years ago."""
    if said != said.to_integral_value() or said < 1:
        return False
    whole = int(said)
    if whole in _CENTURIES and any(_is_in(year, 100 * (whole - 1), 100 * whole) for year in known):
        return True
    if whole in _YEARS and whole % 10 == 0:
        span = 99 if whole % 100 == 0 else 9
        return str(whole // 100 + 1) in known if span == 99 and str(whole // 100 + 1) in known else any(
            _is_in(year, whole, whole + span) for year in known
        )
    return len(_digits(said)) <= _EASILY_SPELLED and any(
        abs(Decimal(_TODAY + sign * int(year)) - said) <= _MOST_OFF * said
        for year in known
        if year.isdecimal() and _EARLIEST_YEAR <= int(year) <= _TODAY
        for sign in (1, -1)
        if whole > _EARLIEST_YEAR
    )


def _is_in(year: str, first: int, last: int) -> bool:
    return year.isdecimal() and len(year) in (3, 4) and first <= int(year) <= last


def _is_reckoned(number: Numeral, beside: Iterable[Numeral]) -> bool:
    """Returns whether a number is the sum, difference or ratio of two others, or what is left of a hundred."""
    pool = list(dict.fromkeys(value for other in beside if other is not number for value in _decimals(other)))
    wanted = {value for value in _decimals(number) if value != value.to_integral_value() or value >= _LEAST_RECKONED}
    if len(pool) > _MOST_NUMBERS:
        return False
    return any(result in wanted for result in _results(pool))


def _results(pool: Sequence[Decimal]) -> Iterator[Decimal]:
    for index, one in enumerate(pool):
        yield 100 - one
        yield 1 - one
        for other in pool[index + 1 :]:
            yield one + other
            yield abs(one - other)
            if one and other and one not in _YEARS and other not in _YEARS:
                yield (one / other).normalize()
                yield (other / one).normalize()


def _is_year(number: Numeral) -> bool:
    # Chinese, Japanese and Korean write the word for years behind those of the calendar too.
    return number.unit in (None, "duration-year") and number.text.isdecimal() and int(number.text) in _YEARS


def _is_bound(number: Numeral) -> bool:
    """Returns whether a number may be a round one that something keeps below or above: under 10, more than 1000."""
    return any(len(_digits(value)) == 1 and abs(value) >= _LEAST_RECKONED for value in _decimals(number))


def _may_be_spelled(number: Numeral, language: str) -> bool:
    if primary_subtag(language) in _SPELLED_SURELY:
        return False
    return any(len(_digits(value)) <= _EASILY_SPELLED for value in _decimals(number))


@lru_cache(maxsize=4096)
def _decimals_of(readings: frozenset[str]) -> tuple[Decimal, ...]:
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


def _decimals(number: Numeral) -> tuple[Decimal, ...]:
    return _decimals_of(number.readings)


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")
