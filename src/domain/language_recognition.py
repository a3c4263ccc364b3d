"""Recognises the language of a text."""

from functools import lru_cache

import regex
from lingua import Language, LanguageDetector, LanguageDetectorBuilder

from src.domain.language_tag import primary_subtag

LEAST_CHARACTERS = 120
"""The shortest text that is given to lingua, in characters.

From this length on, the frequencies of three letters in a row tell languages apart well. They are all that is loaded of
lingua's models.
"""
_LEAST_LETTERS = 12
"""A text with so many letters, all in other scripts, is in another language, however short it is."""
# Confidences of lingua, from 0 to 1: the language is found with the one, and another has at most the other.
_SURE = 0.9
_HARDLY = 0.05

# The languages that a lesson may be found to be in. Their models fit into memory. Near relatives are left out, as a
# text in the wanted language could be taken for one in them.
_COMMON = "EN DE FR ES PT IT NL PL RU UK TR AR FA HI BN ZH JA KO"
# The languages that a document may be found to be in. Nothing is known about it beforehand, so the relatives count.
_ALL = f"{_COMMON} CS DA EL FI HE HU ID NB RO SV TA UR VI"
# So much is enough to tell a language by; reading more would only cost time.
_ENOUGH_CHARACTERS = 3000
# The confidence below which a document gets no language, as a wrong one would do more harm. A line or two stay below.
_RATHER_SURE = 0.5


def language_of(text: str) -> str:
    """Returns the language that a text begins in, as a BCP 47 tag; `und` if it can't be told."""
    best, *_ = _detector(_languages_of(_ALL)).compute_language_confidence_values(text[:_ENOUGH_CHARACTERS])
    return best.language.iso_code_639_1.name.lower() if best.value >= _RATHER_SURE else "und"


@lru_cache(maxsize=1024)  # a repaired lesson has most of its texts unchanged
def other_language(text: str, language: str) -> str | None:
    """Returns the name of the language or script that `text` is in, if that is surely not `language`; else None.

    `language` is a BCP 47 tag. If lingua doesn't know it, or the text is short, only the script is looked at.
    """
    if foreign := _other_script(text, language):
        return foreign
    wanted = _languages().get(primary_subtag(language).upper())
    if wanted is None or len(text) < LEAST_CHARACTERS:
        return None
    detector = _detector(_languages_of(_COMMON) | {wanted})
    confidences = {found.language: found.value for found in detector.compute_language_confidence_values(text)}
    best = max(confidences, key=lambda found: confidences[found])
    if best is wanted or confidences[best] < _SURE or confidences.get(wanted, 0.0) > _HARDLY:
        return None
    return best.name.title()


def _other_script(text: str, language: str) -> str | None:
    """Returns the script of a text, if it has hardly a letter of the script that `language` is written in."""
    wanted = _SCRIPTS.get(primary_subtag(language))
    if wanted is None or "-" in language:  # a tag may name another script
        return None
    letters = len(_LETTER.findall(text))
    if letters < _LEAST_LETTERS or len(_SCRIPT[wanted].findall(text)) > _HARDLY * letters:
        return None
    return next((name for name, script in _SCRIPT.items() if len(script.findall(text)) > letters / 2), None)


def language_name(language: str) -> str:
    """Returns the English name of a language, with its tag; the tag alone if lingua doesn't know it."""
    known = _languages().get(primary_subtag(language).upper())
    return f"{known.name.title()} ({language})" if known else language


_LETTER = regex.compile(r"\p{L}")
_SCRIPT = {
    name: regex.compile(rf"\p{{{name}}}")
    for name in ("Latin", "Arabic", "Devanagari", "Bengali", "Cyrillic", "Greek", "Hebrew", "Thai", "Hangul", "Han")
}
_SCRIPTS = {
    **dict.fromkeys(("en", "de", "fr", "es", "pt", "it", "nl", "pl", "tr", "sv", "da", "fi", "cs", "id"), "Latin"),
    **dict.fromkeys(("ar", "fa", "ur"), "Arabic"),
    **dict.fromkeys(("hi", "mr", "ne"), "Devanagari"),
    **dict.fromkeys(("ru", "uk", "bg"), "Cyrillic"),
    **{"bn": "Bengali", "el": "Greek", "he": "Hebrew", "th": "Thai", "ko": "Hangul", "zh": "Han"},
}


@lru_cache(maxsize=1)
def _languages() -> dict[str, Language]:
    return {language.iso_code_639_1.name: language for language in Language.all()}


@lru_cache(maxsize=2)
def _languages_of(codes: str) -> frozenset[Language]:
    return frozenset(_languages()[code] for code in codes.split())


@lru_cache(maxsize=8)
def _detector(languages: frozenset[Language]) -> LanguageDetector:
    # lingua reads a language's model when it first meets a text in its script, once for the whole process.
    return LanguageDetectorBuilder.from_languages(*languages).with_low_accuracy_mode().build()
