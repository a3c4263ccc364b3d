"""The words for numbers, multiples and units of languages, as far as Babel (Unicode CLDR) and num2words know them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import chain

import regex
from babel import Locale, UnknownLocaleError
from babel.units import format_unit
from num2words import CONVERTER_CLASSES, num2words

from src.domain.language_tag import primary_subtag
from src.domain.normal_form import normal_text, with_capitals
from src.domain.words import carries_content

# Units of school subjects by their names in CLDR: https://github.com/unicode-org/cldr/blob/main/common/validity/unit.xml
_UNITS = """
    acceleration-meter-per-square-second angle-degree area-acre area-hectare area-square-centimeter
    area-square-kilometer area-square-meter area-square-mile concentr-percent concentr-permille digital-bit digital-byte
    digital-gigabyte digital-kilobyte digital-megabyte digital-terabyte duration-century duration-day duration-decade
    duration-hour duration-millisecond duration-minute duration-month duration-second duration-week duration-year
    electric-ampere electric-milliampere electric-ohm electric-volt energy-calorie energy-foodcalorie energy-joule
    energy-kilocalorie energy-kilojoule energy-kilowatt-hour force-newton frequency-gigahertz frequency-hertz
    frequency-kilohertz frequency-megahertz length-astronomical-unit length-centimeter length-decimeter length-foot
    length-inch length-kilometer length-light-year length-meter length-micrometer length-mile length-millimeter
    length-nanometer length-yard mass-gram mass-kilogram mass-microgram mass-milligram mass-ounce mass-pound mass-ton
    mass-tonne power-gigawatt power-horsepower power-kilowatt power-megawatt power-milliwatt power-watt
    pressure-atmosphere pressure-bar pressure-hectopascal pressure-millibar pressure-pascal speed-kilometer-per-hour
    speed-meter-per-second speed-mile-per-hour temperature-celsius temperature-fahrenheit temperature-kelvin
    volume-centiliter volume-cubic-centimeter volume-cubic-kilometer volume-cubic-meter volume-deciliter volume-gallon
    volume-liter volume-milliliter
""".split()  # noqa: SIM905
_COUNTS = (1, 2, 5, 21)
"""Counts that between them have every plural form of the languages of CLDR that school texts use."""
_SYMBOLS = {
    "h": "duration-hour", "min": "duration-minute", "s": "duration-second", "A": "electric-ampere",
    "V": "electric-volt", "Ω": "electric-ohm", "N": "force-newton", "J": "energy-joule", "W": "power-watt",
    "Pa": "pressure-pascal", "t": "mass-tonne", "l": "volume-liter", "L": "volume-liter", "ml": "volume-milliliter",
    "%": "concentr-percent", "°C": "temperature-celsius", "°F": "temperature-fahrenheit", "K": "temperature-kelvin",
    "m": "length-meter", "km": "length-kilometer", "cm": "length-centimeter", "mm": "length-millimeter",
    "μm": "length-micrometer", "nm": "length-nanometer", "kg": "mass-kilogram", "g": "mass-gram",
    "mg": "mass-milligram",
    "m/s": "speed-meter-per-second", "km/h": "speed-kilometer-per-hour", "metres": "length-meter",
    "metre": "length-meter", "kilometres": "length-kilometer", "kilometre": "length-kilometer",
    "centimetres": "length-centimeter", "millimetres": "length-millimeter", "litres": "volume-liter",
    "per cent": "concentr-percent", "degrees Celsius": "temperature-celsius",
}  # fmt: skip
_SHORTEST_SHORT_FORM = 2
_LARGEST_SPOKEN = 100
_LONGEST_RUN = 12
"""No number has more words than this; what goes on is a list of several."""
_LARGEST_ORDINAL = 31
_LONGEST_UNIT = 40
"""The name of a unit has no more characters."""
# num2words doesn't know these languages.
_OTHERS = {
    "hi": (
        "शून्य एक दो तीन चार पांच छह सात आठ नौ दस ग्यारह बारह तेरह चौदह पंद्रह सोलह सत्रह अठारह उन्नीस बीस",
        {"तीस": 30, "चालीस": 40, "पचास": 50, "साठ": 60, "सत्तर": 70, "अस्सी": 80, "नब्बे": 90, "सौ": 100, "पाँच": 5},
    ),
    "el": (
        "μηδέν ένα δύο τρία τέσσερα πέντε έξι επτά οκτώ εννέα δέκα έντεκα δώδεκα",
        {"τρεις": 3, "τέσσερις": 4, "εφτά": 7, "οχτώ": 8, "εννιά": 9, "δεκατρία": 13, "δεκατέσσερα": 14,
         "δεκαπέντε": 15, "δεκαέξι": 16, "δεκαεπτά": 17, "δεκαοκτώ": 18, "δεκαεννέα": 19, "είκοσι": 20, "τριάντα": 30,
         "σαράντα": 40, "πενήντα": 50, "εξήντα": 60, "εβδομήντα": 70, "ογδόντα": 80, "ενενήντα": 90, "εκατό": 100},
    ),
    "hy": (
        "զրո մեկ երկու երեք չորս հինգ վեց յոթ ութ ինը տասը տասնմեկ տասներկու",
        {"տաս": 10, "քսան": 20, "երեսուն": 30, "քառասուն": 40, "հիսուն": 50, "հարյուր": 100},
    ),
    "km": ("សូន្យ មួយ ពីរ បី បួន ប្រាំ ប្រាំមួយ ប្រាំពីរ ប្រាំបី ប្រាំបួន ដប់", {"ម្ភៃ": 20, "រយ": 100}),
}  # fmt: skip
_ALSO = {
    "ko": {"하나": "1", "둘": "2", "두": "2", "셋": "3", "세": "3", "넷": "4", "네": "4", "다섯": "5", "여섯": "6",
           "일곱": "7", "여덟": "8", "아홉": "9", "열": "10"},
    "en": {"half": "0.5", "halves": "0.5", "quarter": "0.25", "quarters": "0.25", "dozen": "12", "once": "1",
           "twice": "2", "hundred": "100", "hundreds": "100", "twenties": "20", "thirties": "30", "forties": "40",
           "fifties": "50", "sixties": "60", "seventies": "70", "eighties": "80", "nineties": "90"},
    "de": {"hälfte": "0.5", "halb": "0.5", "halbe": "0.5", "viertel": "0.25", "dutzend": "12", "hundert": "100",
           "eine": "1", "einen": "1"},
    "fr": {"une": "1", "demi": "0.5", "demie": "0.5", "moitié": "0.5", "quart": "0.25"},
    # The names of centuries: the Settecento began in 1700.
    "it": {"duecento": "200", "trecento": "300", "quattrocento": "400", "cinquecento": "500", "seicento": "600",
           "settecento": "700", "ottocento": "800", "novecento": "900"},
    "es": {"una": "1", "un": "1", "medio": "0.5", "media": "0.5", "mitad": "0.5", "cuarto": "0.25"},
}  # fmt: skip
MINUS = "minus|negative|moins|menos|meno|eksi|минус|μείον|מינוס|سالب|ऋण|माइनस|负|負|マイナス|영하|마이너스|ลบ|ដក"
"""A pattern for the words that stand for a minus before a number, in all languages."""
_BEFORE_A_WORD = (" ", "\u00a0", "-")
# In scripts without spaces the next word begins where the letters of a unit end: 10 μm程度.
_SCRIPT_ENDS = r"(?<=[A-Za-zΩμ%°\p{Katakana}ー\p{Han}])(?=[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Khmer}])"
_LETTERS = re.compile(r"[^\W\d_]+")
_JOINED = regex.compile(r"[\s\u00a0-]+(?:and |und |et |y |e |и )?")


@dataclass(frozen=True, slots=True)
class Multiplier:
    """A word such as "million" behind a number: its value, and where it ends in the text."""

    value: Decimal
    end: int


@dataclass(frozen=True)
class Language:
    """What one language calls numbers, multiples and units, with English, as sources may be in English."""

    multiples: Mapping[str, Decimal]
    units: Mapping[str, str]
    numbers: Mapping[str, str]
    _multiple: regex.Pattern[str]
    _unit: regex.Pattern[str]
    _rate: regex.Pattern[str]
    _number: regex.Pattern[str]

    def multiplier(self, form: str, position: int) -> Multiplier | None:
        """Returns the word for a multiple that stands at `position`, after a space or not; None if none does."""
        char = form[position : position + 1]
        if (form[position + 1 : position + 2] if char in _BEFORE_A_WORD else char).casefold() not in self._initials:
            return None
        found = self._multiple.match(form, position)
        return Multiplier(self.multiples[found[1].casefold()], found.end()) if found else None

    def unit(self, form: str, position: int) -> str | None:
        """Returns CLDR's name of the unit that stands at `position`, after a space or not; None if none does.

        A rate such as mg/kg, which CLDR has no name for, is the name of its first unit, a slash and the rest.
        """
        found = self._unit.match(form, position) if self._may_be_unit.match(form, position) else None
        if found:
            return self.units[found[1]]
        slash = form.find("/", position, position + _LONGEST_UNIT)
        rate = self._rate.match(form, position) if slash > 0 else None
        return f"{self.units[rate[1]]}/{rate[2]}" if rate else None

    def spoken_at(self, form: str) -> Iterator[tuple[regex.Match[str], Decimal]]:
        """Yields the number words of a text in small letters, with their values."""
        if self._first_runs.isdisjoint(_LETTERS.findall(form)):
            return
        end = 0
        for place in _LETTERS.finditer(form):
            start = place.start()
            if place[0] in self._first_runs and start >= end and (found := self._number.match(form, start)):
                end = found.end()
                yield found, Decimal(self.numbers[found[0]])

    def spoken(self, form: str) -> Iterator[str]:
        """Yields the values of the number words of a text, each alone and those beside each other as one number."""
        run: list[Decimal] = []
        end = -1
        for found, value in self.spoken_at(form.casefold()):
            yield str(value)
            if len(run) == _LONGEST_RUN or not (run and _JOINED.fullmatch(form, end, found.start())):
                run = []
            run.append(value)
            end = found.end()
            if len(run) > 1:
                yield str(_sum(run))

    # `re` finds where something may stand many times as fast as `regex` looks for what it is.

    @cached_property
    def _initials(self) -> frozenset[str]:
        return frozenset(word[0] for word in self.multiples)

    @cached_property
    def _may_be_unit(self) -> re.Pattern[str]:
        return re.compile(rf"[ \u00a0-]?(?:{_any_of(self.units)})(?![A-Za-z])")

    @cached_property
    def _first_runs(self) -> frozenset[str]:
        """The letters in a row with which the number words begin."""
        return frozenset(_LETTERS.findall(word)[0] for word in self.numbers)


def _sum(run: list[Decimal]) -> Decimal:
    """Returns the number that number words beside each other make: two hundred and five, two thousand."""
    total = part = Decimal(0)
    for value in run:
        if value >= 1000:
            total, part = total + max(part, Decimal(1)) * value, Decimal(0)
        elif value == 100:
            part = max(part, Decimal(1)) * value
        else:
            part += value
    return total + part


def language_of(tag: str) -> Language:
    """Returns what is known of the language of a BCP 47 tag, beside English."""
    subtag = primary_subtag(tag)
    # Requests may name languages that nobody knows, each of which would take tables of its own.
    return _language(subtag if locale_of(subtag) else "en")


@lru_cache(maxsize=64)
def _language(subtag: str) -> Language:
    subtags = dict.fromkeys(("en", subtag))
    multiples: dict[str, Decimal] = {}
    units: dict[str, str] = {}
    numbers: dict[str, str] = {}
    for known in subtags:
        multiples |= _multiples(known)
        units |= _units(known)
        numbers |= _numbers(known)
    units |= _SYMBOLS
    for symbol in _SYMBOLS:
        units.pop(f"{symbol}.", None)  # "20 s." at the end of a sentence: in French, "s." is a century too
    for word in [word for word in units if len(word) > 1 and not all(carries_content(word, it) for it in subtags)]:
        del units[word]  # "7,500 in May" are no inches
    numbers |= {word: str(value) for word, value in multiples.items()}
    return Language(
        multiples,
        units,
        numbers,
        regex.compile(rf"[ \u00a0-]?({_any_of(multiples)})(?![\p{{Ll}}\p{{M}}]{{3}})", regex.IGNORECASE),
        regex.compile(rf"[ \u00a0-]?({_any_of(units)})(?:(?![\p{{L}}\p{{M}}/^])|{_SCRIPT_ENDS})"),
        regex.compile(rf"[ \u00a0-]?({_any_of(units)})/([\p{{L}}²³]{{1,10}})"),
        regex.compile(rf"(?<![\p{{L}}\p{{M}}])(?:{_any_of(numbers)})(?![\p{{L}}\p{{M}}])"),
    )


def _any_of(words: Mapping[str, object]) -> str:
    # The longest goes first, as one may begin with another.
    return "|".join(map(regex.escape, sorted(words, key=len, reverse=True))) or r"(?!)"


@lru_cache(maxsize=256)
def locale_of(subtag: str) -> Locale | None:
    """Returns what Babel knows of a language by the primary subtag of its BCP 47 tag; None if nothing."""
    try:
        return Locale.parse(subtag)
    except (UnknownLocaleError, ValueError):
        return None


def _multiples(subtag: str) -> dict[str, Decimal]:
    locale = locale_of(subtag)
    found: dict[str, Decimal] = {}
    formats = locale.compact_decimal_formats if locale else {}
    for width, plurals in formats.items():
        for size, pattern in chain.from_iterable(patterns.items() for patterns in plurals.values()):
            shown = str(getattr(pattern, "pattern", pattern))
            zeros, word = shown.count("0"), normal_text(shown.replace("0", "")).strip(" '")
            # Of short forms, "mln" is sure, and "M" may be metres.
            if zeros and word and (width == "long" or len(word.rstrip(".")) >= _SHORTEST_SHORT_FORM):
                found.setdefault(word, Decimal(size) / Decimal(10) ** (zeros - 1))
    return found


def _units(subtag: str) -> dict[str, str]:
    if locale_of(subtag) is None:
        return {}
    found: dict[str, str] = {}
    for unit in _UNITS:
        for length in ("long", "short"):
            for number in _COUNTS:
                shown = format_unit(number, unit, length, locale=subtag)
                word = regex.sub(r"(?<!\^)\p{Nd}+", "", with_capitals(shown)).strip()  # the power of km^2 stays
                if word:
                    found.setdefault(word, unit)
    return found


def _numbers(subtag: str) -> dict[str, str]:
    found: dict[str, str] = {}
    if subtag in _OTHERS:
        small, larger = _OTHERS[subtag]
        found = {normal_text(word): str(value) for value, word in enumerate(small.split())}
        found |= {normal_text(word): str(value) for word, value in larger.items()}
    elif subtag in CONVERTER_CLASSES:
        for value in range(_LARGEST_SPOKEN + 1):
            found.setdefault(_word(value, subtag, "cardinal"), str(value))
        for value in range(1, _LARGEST_ORDINAL + 1):
            found.setdefault(_word(value, subtag, "ordinal"), str(value))
    found |= _ALSO.get(subtag, {})
    found.pop("", None)
    return found


def _word(value: int, subtag: str, kind: str) -> str:
    try:
        return normal_text(num2words(value, lang=subtag, to=kind))
    except (NotImplementedError, ArithmeticError, LookupError, TypeError, ValueError):
        return ""  # num2words lacks ordinals in some languages
