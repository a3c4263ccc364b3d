"""Language tags by BCP 47: their normal form, their parts, and the direction in which a language is written."""

import re
from functools import lru_cache

# RFC 5646, section 2.1: language, script, region, variants, extensions, private use. Grandfathered tags are left out.
_LANGUAGE_TAG = re.compile(
    r"""
    [a-z]{2,3}(-[a-z]{3}){0,3}
    (-[a-z]{4})?
    (-([a-z]{2}|[0-9]{3}))?
    (-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*
    (-[0-9a-wy-z](-[a-z0-9]{2,8})+)*
    (-x(-[a-z0-9]{1,8})+)?
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)

_RIGHT_TO_LEFT = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "syr", "ug", "ur", "yi"})
_RIGHT_TO_LEFT_SCRIPTS = frozenset({"Arab", "Hebr", "Nkoo", "Syrc", "Thaa"})


def normal_tag(tag: str) -> str:
    """Returns the tag in the case that RFC 5646 section 2.1.1 recommends, so that "EN-us" equals "en-US".

    Raises `ValueError` if it is no BCP 47 tag.
    """
    if not _LANGUAGE_TAG.fullmatch(tag):
        raise ValueError("String should be a BCP 47 language tag such as 'en' or 'pt-BR'")
    parts = tag.lower().split("-")
    for index, part in enumerate(parts[1:], start=1):
        if len(parts[index - 1]) == 1:
            break  # an extension or private use: lower case to the end
        if len(part) == 4 and part.isalpha():
            parts[index] = part.title()
        elif len(part) == 2:
            parts[index] = part.upper()
    return "-".join(parts)


def direction(language: str) -> str:
    """Returns `rtl` or `ltr`, as the HTML attribute `dir` takes it."""
    subtags = language.split("-")
    script = next((subtag for subtag in subtags[1:] if len(subtag) == 4 and subtag.isalpha()), None)
    if script is not None:
        return "rtl" if script.title() in _RIGHT_TO_LEFT_SCRIPTS else "ltr"
    return "rtl" if primary_subtag(language) in _RIGHT_TO_LEFT else "ltr"


@lru_cache(maxsize=64)
def primary_subtag(language: str) -> str:
    """Returns the primary subtag in lower case: `pt` of `pt-BR`."""
    return language.partition("-")[0].lower()
