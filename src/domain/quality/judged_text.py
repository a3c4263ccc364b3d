"""What of a sentence can be held against a source: its prose, without formulas, code and the numbers of examples."""

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
_DATE = regex.compile(r"(?<![\p{Nd}./])\p{Nd}{1,2}([./-])\p{Nd}{1,2}\1(?=\p{Nd}{4}(?!\p{Nd}))")
_ISO_DATE = regex.compile(r"(?<![\p{Nd}./])(\p{Nd}{4})-\p{Nd}{2}-\p{Nd}{2}(?!\p{Nd})")
_CALCULATION = regex.compile(
    r"(?:\p{Nd}|[₀-₉⁰-⁹]|%|°\w?)\s*[=≈≠<>≤≥⇒]|[=≈≠<>≤≥]\s*[-−]?\p{Nd}|(?<!\p{Nd}/)\p{Nd}\s*[+×·⋅÷*∙]\s*(?!10\s?[⁰¹²³⁴-⁹⁻^])[-−]?\p{Nd}"
    r"|\p{Nd}\s+[-−–:/]\s+\p{Nd}[^=]*=|…\s*$|(?:\p{Nd}+,\s+){3,}"
)
# Words that say that what follows is made up: conditions and examples.
_MADE_UP = {
    "en": "if suppose imagine example examples instance assume pretend e.g",
    "de": "wenn falls angenommen beispiel beispielsweise stell",
    "fr": "si supposons imagine imaginons exemple",
    "es": "si supón supongamos imagina ejemplo comprueba",
    "pt": "suponha imagine exemplo",
    "it": "supponi supponiamo immagina esempio",
    "nl": "stel bijvoorbeeld voorbeeld",
    "tr": "eğer örneğin diyelim farz düşün düşünün hayal",
    "ru": "если пусть например представь представим допустим",
    "el": "αν εάν ας παράδειγμα φαντάσου υπόθεσε έστω",
    "he": "אם נניח לדוגמה למשל דמיינו דמיין",
    "ar": "إذا لو مثال مثلا تخيل افترض لنفترض ولو",
    "hi": "यदि अगर मान मानो उदाहरण सोचो",
    "hy": "եթե օրինակ ենթադրենք պատկերացրու",
    "am": "ለምሳሌ እንበል ቢሆን",
    "ko": "만약 예를 가령",
}  # fmt: skip
_MADE_UP_UNSPACED = {
    "zh": "如果 假设 假如 例如 比如 若 设",
    "ja": "もし たとえば 例えば とする としよう なら",
    "th": "ถ้า หาก สมมติ ตัวอย่าง เช่น",
    "km": "ប្រសិនបើ បើ ឧបមា ឧទាហរណ៍ ដូចជា",
}
_CELL_END = regex.compile(r"(?<!\\)\|")


def prose_of(text: str) -> str:
    """Returns a text in which formulas, code and digits that are no numbers of its own have given way to a sign.

    Of a table's row only the cells that cite are left; the caller hands the row over with its citations.
    """
    plain = masked(text, _BLANK)
    for start, end in reversed(delimited(plain)):
        plain = plain[:start] + _BLANK + plain[end:]
    plain = _DATE.sub("", plain)
    plain = _ISO_DATE.sub(r"\1", plain)
    return _NO_NUMBER.sub(_BLANK, plain)


def cited_cells(row: str) -> str:
    """Returns the cells of a table's row that hold brackets with a number; any other text as it is."""
    if not row.lstrip().startswith("|"):
        return row
    cells = [cell for cell in _CELL_END.split(row) if regex.search(r"[\[【［]\^?\d", cell)]
    return " ; ".join(cells)


def is_calculation(text: str) -> bool:
    """Returns whether a text reckons: its numbers are its own."""
    return _CALCULATION.search(text) is not None


def is_example(paragraph: str, language: str) -> bool:
    """Returns whether a paragraph works with numbers of its own: with formulas, sums or code, or in words."""
    outside_code = masked(paragraph, _BLANK)
    if _BLANK in outside_code or delimited(outside_code) or is_calculation(paragraph):
        return True
    return is_made_up(paragraph, language)


def is_made_up(text: str, language: str) -> bool:
    """Returns whether a text sets a case of its own: a condition, an example, something that the learner is to do."""
    found = _made_up(primary_subtag(language))
    return found is not None and found.search(text) is not None


@lru_cache(maxsize=32)
def _made_up(subtag: str) -> regex.Pattern[str] | None:
    if subtag in _MADE_UP_UNSPACED:
        return regex.compile("|".join(_MADE_UP_UNSPACED[subtag].split()))
    if subtag not in _MADE_UP:
        return None
    said = "|".join(map(regex.escape, _MADE_UP[subtag].split()))
    return regex.compile(rf"(?<![\p{{L}}\p{{M}}])(?:{said})(?![\p{{L}}\p{{M}}])", regex.IGNORECASE)
