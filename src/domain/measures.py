"""How the units of one dimension relate, to compare measures that are given in different ones."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

MOST_OFF = Decimal("0.05")
"""By what share a rounded measure or number may differ from the one that it stands for."""

# What one of the unit comes to in the dimension's first unit. The names are those of CLDR, without the dimension.
_FACTORS = {
    "meter": "1", "foot": "0.3048", "inch": "0.0254", "yard": "0.9144", "mile": "1609.344",
    "light-year": "9.4607e15", "astronomical-unit": "1.495978707e11",
    "gram": "1", "ton": "907185", "tonne": "1e6", "ounce": "28.3495", "pound": "453.592",
    "liter": "1", "gallon": "3.78541", "cubic-meter": "1000", "cubic-centimeter": "0.001", "cubic-kilometer": "1e12",
    "second": "1", "minute": "60", "hour": "3600", "day": "86400", "week": "604800", "month": "2629800",
    "year": "31557600", "decade": "315576000", "century": "3155760000",
    "square-meter": "1", "square-centimeter": "0.0001", "square-kilometer": "1e6", "square-mile": "2589988",
    "hectare": "1e4", "acre": "4046.86",
    "percent": "0.01", "permille": "0.001",
    "bit": "0.125", "byte": "1", "ampere": "1", "volt": "1", "ohm": "1", "newton": "1", "hertz": "1", "watt": "1",
    "horsepower": "745.7", "joule": "1", "calorie": "4.184", "foodcalorie": "4184", "kilowatt-hour": "3.6e6",
    "pascal": "1", "bar": "1e5", "atmosphere": "101325",
    "celsius": "1", "kelvin": "1", "fahrenheit": "0.5555555556",
    "meter-per-second": "1", "kilometer-per-hour": "0.2777777778", "mile-per-hour": "0.44704",
}  # fmt: skip
# Where the zero of other scales of temperature lies, in degrees Celsius.
_ZEROS = {"kelvin": Decimal("-273.15"), "fahrenheit": Decimal(-160) / 9}
_DEGREES_OFF, _HEAT_OFF = Decimal(1), Decimal("0.02")
"""By how many degrees Celsius, or what share of them, a temperature on another scale may be rounded: in recipes 350 °F
stands for 180 °C."""
_PREFIXES = {
    "giga": "1e9", "mega": "1e6", "kilo": "1e3", "hecto": "1e2", "deci": "0.1", "centi": "0.01", "milli": "1e-3",
    "micro": "1e-6", "nano": "1e-9",
}  # fmt: skip


def are_equal(value: Decimal, unit: str, other: Decimal, other_unit: str) -> bool:
    """Returns whether two measures in different units come to the same, give or take what is rounded.

    The units are CLDR's names, such as `length-kilometer`. Two temperatures are compared as those of a thing, and as
    differences: 1.5 °C more are 2.7 °F more.
    """
    if {unit.partition("-")[0], other_unit.partition("-")[0]} == {"speed", "length"}:
        unit, other_unit = _of_length(unit), _of_length(other_unit)  # 300,000 km in a second
    first, second = _scale(unit), _scale(other_unit)
    if not first or not second or unit == other_unit or first.dimension != second.dimension:
        return False
    one, two = abs(value) * first.factor, abs(other) * second.factor
    if abs(one - two) <= MOST_OFF * max(one, two):
        return True
    if first.zero == second.zero:
        return False
    one, two = value * first.factor + first.zero, other * second.factor + second.zero
    return abs(one - two) <= max(_DEGREES_OFF, _HEAT_OFF * abs(one))


def _of_length(unit: str) -> str:
    """Returns the unit of the way in that of a speed."""
    return f"length-{unit.partition('-')[2].partition('-per-')[0]}"


def may_differ(unit: str, other: str) -> bool:
    """Returns whether two units aren't known to be one, as a litre and a cubic decimetre are."""
    first = _scale(unit)
    return first is None or first != _scale(other)


@dataclass(frozen=True, slots=True)
class _Scale:
    """How a unit relates to the first one of its dimension."""

    dimension: str
    factor: Decimal
    zero: Decimal


@lru_cache(maxsize=256)
def _scale(unit: str) -> _Scale | None:
    """Returns how a unit relates to others of its dimension; None if its like isn't known."""
    dimension, _, name = unit.partition("-")
    if dimension == "electric":
        dimension = name.removeprefix("milli")  # CLDR has current, tension and resistance together
    if name in _FACTORS:
        return _Scale(dimension, Decimal(_FACTORS[name]), _ZEROS.get(name, Decimal(0)))
    for prefix, multiple in _PREFIXES.items():
        base = name.removeprefix(prefix)
        if base != name and base in _FACTORS:
            return _Scale(dimension, Decimal(multiple) * Decimal(_FACTORS[base]), Decimal(0))
    return None
