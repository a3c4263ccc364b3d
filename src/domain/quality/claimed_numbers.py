"""Holds the numbers of a sentence against what it is said to rest on: only those count that are surely other ones.

A true sentence may give a number in another form than its source (`number_forms`), or spelled out. So a number is wrong
only if no form makes it of those of the source, and if the quotation has another one in its place, or could hardly give
it in words.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import lru_cache

import regex

from src.domain.language_tag import primary_subtag
from src.domain.measures import may_differ
from src.domain.number_words import MINUS
from src.domain.numerals import Numeral, counts, may_be_the_same, other_units, values, written
from src.domain.quality.citations import without_markers
from src.domain.quality.judged_text import is_calculation, is_made_up, prose_of
from src.domain.quality.number_forms import (
    EASILY_SPELLED,
    LEAST_RECKONED,
    YEARS,
    are_worked_out,
    decimals,
    digits_of,
    is_borne_out,
    is_form,
    is_reckoned,
    is_share,
    is_time,
    is_year,
    plain_decimal,
)

_SPELLED_SURELY = frozenset({"en", "de", "fr", "es", "pt", "it", "nl"})
"""Languages whose number words are told in nearly all forms."""
_SURELY_YEARS = frozenset(map(str, YEARS))
_SURELY_LESS = 4
"""A number that is so many times smaller than one of the quotation hardly stands in its place."""
_LARGEST_COUNTED = 100
"""Larger numbers in words are mostly of several words, or round."""
# Words that say a number is negative, or lies below another.
_MINUS = regex.compile(
    r"\b(?:negativ\w*|below|unter\w*|négati\w*|bajo|abaixo|sotto|altında|ниже|отрицат\w*|κάτω|αρνητικ\w*|מתחת"
    rf"|سالب\w*|تحت|ऋण\w*|नीचे|ցածր|մինուս)\b|零下|氷点下|低于|음의|ต่ำ|ក្រោម|በታች|(?<![\p{{Latin}}\p{{Greek}}\p{{Cyrillic}}])(?:{MINUS})",
    regex.IGNORECASE,
)
_LAST_DAY = 31
_ALWAYS = frozenset({"0", "1"})
"""What may be said without a source: "for each kilometre" is for 1 km."""
_OWN_SUMS = frozenset({"2"})
"""What a sentence counts so it often sums up itself: "two scientists, Schleiden and Schwann"."""


def wrong_numbers(
    sentence: str, quotes: str, passages: Sequence[str], language: str, own: Callable[[], frozenset[str]] = frozenset
) -> list[str]:
    """Returns the numbers in digits of a sentence that its quotations and passages surely don't give.

    `sentence` is without citations, `quotes` all its quotations in one text; `language` their BCP 47 tag. `own` gives
    the numbers that the lesson works with in other places too.
    """
    said = judged_numbers(sentence, language)
    if not said:
        return []
    given, spoken_of = _given(tuple(passages), language), values(quotes, language)
    if all(it.readings & spoken_of and (it.readings & given or it.readings & _ALWAYS) for it in said):
        return []
    spoken = values(sentence, language)
    quoted = written(prose_of(quotes), language)
    rivals = [it for it in quoted if not it.readings & spoken and not any(is_form(it, other) for other in said)]
    in_digits = _in_digits(tuple(passages), language)
    wrong = list[Numeral]()
    for number in said:
        if number.readings & given or number.readings & _ALWAYS or is_borne_out(number, in_digits, given):
            continue
        if is_time(number, sentence, given, language) or _is_signed_in_words(number, given, passages):
            continue
        # What the quotation gives may be reckoned with, and the years and like measures of the passage, but not all.
        like = [it for it in in_digits if (is_year(it) or (it.unit and it.unit == number.unit))]
        beside = [*quoted, *(it for it in said if it.readings & given), *like]
        if (is_reckoned(number, beside) or is_share(number, spoken_of)) and not _is_in_place_of(number, rivals):
            continue
        if any(is_year(number) == is_year(rival) for rival in rivals) or not (
            (spoken_of and spoken_of <= spoken and _is_bound(number, quoted))  # under 10, namely 7 or 8
            or (not spoken_of and number.readings & own())
            or _may_be_spelled(number, language)
            or _is_counted_on(number, quotes, in_digits, language)
        ):
            wrong.append(number)
    said = tuple(
        it
        for it in said
        if not _is_signed_in_words(it, given, passages) and not is_time(it, sentence, spoken_of, language)
    )
    if are_worked_out(wrong, quoted):
        return []
    return [it.text for it in wrong] or _of_another_place(said, rivals, spoken_of, quoted)


@lru_cache(maxsize=256)
def _given(passages: tuple[str, ...], language: str) -> frozenset[str]:
    return frozenset().union(*(values(text, language) for text in passages))


@lru_cache(maxsize=256)
def _in_digits(passages: tuple[str, ...], language: str) -> tuple[Numeral, ...]:
    return tuple(number for text in passages for number in written(text, language))


def _is_signed_in_words(number: Numeral, given: frozenset[str], passages: Sequence[str]) -> bool:
    """Returns whether a number with the other sign is given, by a text that may have the sign in words."""
    other = {reading[1:] if reading.startswith("-") else f"-{reading}" for reading in number.readings}
    return not other.isdisjoint(given) and any(_MINUS.search(text) for text in passages)


def _is_in_place_of(number: Numeral, rivals: Sequence[Numeral]) -> bool:
    """Returns whether a number rather stands in place of one of the quotation than is reckoned from it."""
    like = [it for it in rivals if is_year(it) == is_year(number) and it.unit == number.unit]
    if not like or is_reckoned(number, like):
        return False
    least = min(abs(value) for rival in like for value in decimals(rival))
    return any(value * _SURELY_LESS > least for value in decimals(number))


def _of_another_place(
    said: Sequence[Numeral], rivals: Sequence[Numeral], spoken: frozenset[str], quoted: Sequence[Numeral]
) -> list[str]:
    """Returns the numbers that a passage gives elsewhere, while the quotation gives others of the kind."""
    unsaid = [it for it in said if not (it.readings & spoken or is_borne_out(it, quoted, spoken))]
    if not unsaid or len(unsaid) < len(said) or any(is_reckoned(number, quoted) for number in unsaid):
        return []
    return [it.text for it in unsaid if any(_are_of_a_kind(it, rival) for rival in rivals)]


def _are_of_a_kind(one: Numeral, other: Numeral) -> bool:
    return is_year(one) == is_year(other) and (is_year(one) or (one.unit is not None and one.unit == other.unit))


def _is_counted_on(number: Numeral, quotes: str, in_digits: Iterable[Numeral], language: str) -> bool:
    """Returns whether a day of a passage and days that the quotation counts make it: three days after the 17th."""
    steps = [Decimal(value) for value in values(quotes, language) if value.isdecimal() and len(value) < 3]
    given = {reading for it in in_digits for reading in it.readings}
    return number.unit is None and any(
        plain_decimal(value + sign * step) in given
        for value in decimals(number)
        for step in steps
        if step and value <= _LAST_DAY and value - step >= LEAST_RECKONED
        for sign in (1, -1)
    )


def wrong_units(sentence: str, quotes: str, passages: Sequence[str], language: str) -> list[str]:
    """Returns the numbers that a quotation gives too, but in another unit, in which no passage does."""
    said = prose_of(sentence)
    if not any(number.unit for number in written(said, language)) or not other_units(said, quotes, language):
        return []
    quoted = written(quotes, language)
    given = {(reading, it.unit) for text in passages for it in written(text, language) for reading in it.readings}
    return [
        number.text
        for number in written(said, language)
        if number.unit
        and not any((reading, number.unit) in given for reading in number.readings)
        and any(_are_in_other_units(number, it) for it in quoted)
    ]


def _are_in_other_units(one: Numeral, other: Numeral) -> bool:
    if not one.unit or not other.unit or one.readings.isdisjoint(other.readings):
        return False
    if may_be_the_same(one.unit, other.unit) or one.unit.partition("-")[0] != other.unit.partition("-")[0]:
        return False
    return may_differ(one.unit, other.unit)


def miscounted(sentence: str, quotes: str, passages: Sequence[str], language: str) -> list[str]:
    """Returns the numbers in words in which a sentence counts what its quotation counts too, but never in that number.

    So a number word is compared only if both count the same thing. Most of what a sentence counts in words ("these two
    parts") is its own sum of what it was given.
    """
    sentence = prose_of(sentence)
    said = [
        (readings, things)
        for readings, things in counts(sentence, language)
        if not readings & _OWN_SUMS and max(map(Decimal, readings)) < _LARGEST_COUNTED
    ]
    if not said or is_calculation(sentence) or is_made_up(sentence, language):
        return []
    quoted = [(readings, things) for readings, things in counts(quotes, language) if not readings & _SURELY_YEARS]
    compared = {reading for it in written(sentence, language) for reading in it.readings}
    known = _given(tuple(passages), language) | compared
    return [
        min(readings)
        for readings, things in said
        if not readings & known and any(things & counted for _, counted in quoted)
    ]


def repeated_numbers(texts: Iterable[str], language: str) -> frozenset[str]:
    """Returns the readings of the numbers that texts have more than once, citations aside: a lesson works with them."""
    found = (number for text in texts for number in written(without_markers(text), language))
    counted = Counter(reading for number in found for reading in number.readings)
    return frozenset(reading for reading, times in counted.items() if times > 1)


def judged_numbers(sentence: str, language: str) -> tuple[Numeral, ...]:
    """Returns the numbers of a sentence that its source must give: none of a sum, an example or a formula."""
    said = written(prose_of(sentence), language)
    return () if not said or is_calculation(sentence) or is_made_up(sentence, language) else said


def _is_bound(number: Numeral, quoted: Sequence[Numeral]) -> bool:
    """Returns whether a number may be a round one that those of the quotation keep below or above: under 10."""
    digits = {digits_of(value) for other in quoted for value in decimals(other)}
    return any(other.unit in (number.unit, None) for other in quoted) and any(
        len(digits_of(value)) == 1 and abs(value) >= LEAST_RECKONED and digits_of(value) not in digits
        for value in decimals(number)
    )


def _may_be_spelled(number: Numeral, language: str) -> bool:
    if primary_subtag(language) in _SPELLED_SURELY:
        return False
    return any(len(digits_of(value)) <= EASILY_SPELLED for value in decimals(number))
