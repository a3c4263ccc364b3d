"""What of a sentence can be held against a source: its prose, without formulas, code and the numbers of examples."""

import re
from functools import lru_cache

import regex

from src.domain.formulas import delimited
from src.domain.language_tag import primary_subtag
from src.domain.markdown_syntax import masked

_BLANK = "\ue000"
# Digits that are no numbers of the text's own: of formulas, indexes, powers and bases, names, times, ratios, versions.
_NO_NUMBER = regex.compile(
    r"[\p{Latin}\p{Greek}\p{Cyrillic})]+[₀-₉⁰¹²³⁴-⁹⁺⁻₊₋]+[\p{Latin}₀-₉⁰¹²³⁴-⁹⁺⁻₊₋]*|\p{Nd}+[₀-₉]+|\p{Nd}+[\u00bc-\u00be\u2150-\u215e]"
    r"|[\p{Latin}\p{Greek}_]+[\^_]\{?-?\p{Nd}+|(?<![\p{Nd}\s])[\p{Latin}\p{Greek}_+/#]+[-–]?\p{Nd}[\p{Nd}\p{Latin}]*"
    r"|\p{Nd}+(?::\p{Nd}+)+|(?<!\p{Nd})\p{Nd}{1,2} ?: ?\p{Nd}{2}(?!\p{Nd})|\(\p{Nd}{1,2}\)|[#№]\s?\p{Nd}+"
    r"|\p{Nd}+(?:\.\p{Nd}+){3,}|[\p{L}\p{Nd}.]+@[\p{L}\p{Nd}.]+|https?:\S+"
)
# What all of these have: where it stands, `regex` looks at the words around. `re` passes over all else many times as
# fast.
_NUMERIC = r"\d\u00b2\u00b3\u00b9\u2070-\u208f@"
_AROUND_DIGITS = re.compile(
    rf"(?:\A|\s)(?:\S*[#№]\s)?(?:[^\s{_NUMERIC}]*[{_NUMERIC}]\S*|\S*https?:\S+)"
    r"(?:(?:(?<=[#№])\s|(?:(?<=:)| :) ?)\d\S*)*"
)
_DIGIT = re.compile(r"\d")
_DATE = regex.compile(r"(?<![\p{Nd}./])\p{Nd}{1,2}([./-])\p{Nd}{1,2}\1(?=\p{Nd}{4}(?!\p{Nd}))")
_ISO_DATE = regex.compile(r"(?<![\p{Nd}./])(\p{Nd}{4})-\p{Nd}{2}-\p{Nd}{2}(?!\p{Nd})")
_CALCULATION = re.compile(
    r"[\d₀-₉⁰-⁹%°](?:(?:(?<=°)\w)?\s*[=≈≠<>≤≥⇒]|(?<!\d/\d)(?<=\d)\s*[+×·⋅÷*∙]\s*(?!10\s?[⁰¹²³⁴-⁹⁻^])[-−]?\d"
    r"|(?<=\d)\s+[-−–:/]\s+\d[^=]*=|(?<=\d),\s+(?:\d+,\s+){2,})|[=≈≠<>≤≥]\s*[-−]?\d|…\s*$"
)
# Words that say that what follows is made up, here and in the sentences beside.
_EXAMPLES = {
    "en": "suppose imagine example examples instance assume pretend e.g",
    "de": "angenommen beispiel beispielsweise stell",
    "fr": "supposons imagine imaginons exemple",
    "es": "supón supongamos imagina ejemplo comprueba",
    "pt": "suponha imagine exemplo",
    "it": "supponi supponiamo immagina esempio",
    "nl": "stel bijvoorbeeld voorbeeld",
    "tr": "örneğin diyelim farz düşün düşünün hayal",
    "ru": "пусть например представь представим допустим",
    "el": "παράδειγμα φαντάσου υπόθεσε έστω",
    "he": "נניח לדוגמה למשל דמיינו דמיין",
    "ar": "مثال مثلا تخيل افترض لنفترض",
    "hi": "मान मानो उदाहरण सोचो",
    "hy": "օրինակ ենթադրենք պատկերացրու",
    "am": "ለምሳሌ እንበል",
    "ko": "예를 가령",
    "zh": "假设 假如 例如 比如",
    "ja": "たとえば 例えば としよう",
    "th": "สมมติ ตัวอย่าง เช่น",
    "km": "ឧបមា ឧទាហរណ៍ ដូចជា",
}
# Words of conditions, which say no more than that their sentence is made up.
_CONDITIONS = {
    "en": "if", "de": "wenn falls", "fr": "si", "es": "si", "tr": "eğer", "ru": "если", "el": "αν εάν ας", "he": "אם",
    "ar": "إذا لو ولو", "hi": "यदि अगर", "hy": "եթե", "am": "ቢሆን", "ko": "만약", "zh": "如果 若", "ja": "もし とする",
    "th": "ถ้า หาก", "km": "ប្រសិនបើ បើ",
}  # fmt: skip
_UNSPACED = frozenset({"zh", "ja", "th", "km"})
_CELL_END = regex.compile(r"(?<!\\)\|")


@lru_cache(maxsize=2048)  # what is cited is held against its source in several ways
def prose_of(text: str) -> str:
    """Returns a text in which formulas, code and digits that are no numbers of its own have given way to a sign.

    Of a table's row only the cells that cite are left; the caller hands the row over with its citations.
    """
    plain = masked(text, _BLANK)
    for start, end in reversed(delimited(plain)):
        plain = plain[:start] + _BLANK + plain[end:]
    if _DIGIT.search(plain):
        plain = _DATE.sub("", plain)
        plain = _ISO_DATE.sub(r"\1", plain)
    return _AROUND_DIGITS.sub(_without_no_numbers, plain)


def _without_no_numbers(words: re.Match[str]) -> str:
    return _NO_NUMBER.sub(_BLANK, words[0])


def cited_cells(row: str) -> str:
    """Returns the cells of a table's row that hold brackets with a number; any other text as it is."""
    if not row.lstrip().startswith("|"):
        return row
    cells = [cell for cell in _CELL_END.split(row) if regex.search(r"[\[【［]\^?\d", cell)]
    return " ; ".join(cells)


@lru_cache(maxsize=2048)
def is_calculation(text: str) -> bool:
    """Returns whether a text reckons: its numbers are its own."""
    return _CALCULATION.search(text) is not None


@lru_cache(maxsize=1024)
def is_example(paragraph: str, language: str) -> bool:
    """Returns whether a paragraph works with numbers of its own: with formulas, sums or code, or in words."""
    outside_code = masked(paragraph, _BLANK)
    if _BLANK in outside_code or delimited(outside_code) or is_calculation(paragraph):
        return True
    return _says(paragraph, _example(primary_subtag(language)))


def is_made_up(text: str, language: str) -> bool:
    """Returns whether a sentence sets a case of its own: a condition, or an example."""
    return _says(text, _made_up(primary_subtag(language)))


_Said = tuple[tuple[str, ...], regex.Pattern[str]]
"""Words in small letters, and the pattern by which they are told from parts of other words."""


def _says(text: str, said: _Said) -> bool:
    small = text.lower()
    return any(word in small for word in said[0]) and said[1].search(text) is not None


@lru_cache(maxsize=32)
def _example(subtag: str) -> _Said:
    return _said(subtag, _EXAMPLES.get(subtag, ""))


@lru_cache(maxsize=32)
def _made_up(subtag: str) -> _Said:
    return _said(subtag, f"{_EXAMPLES.get(subtag, '')} {_CONDITIONS.get(subtag, '')}")


def _said(subtag: str, words: str) -> _Said:
    known = tuple(words.split())
    said = "|".join(map(regex.escape, known)) or "(?!)"
    if subtag in _UNSPACED:
        return known, regex.compile(said)
    return known, regex.compile(rf"(?<![\p{{L}}\p{{M}}])(?:{said})(?![\p{{L}}\p{{M}}])", regex.IGNORECASE)
