"""Prepares text for PostgreSQL's text search, in the languages that it knows and in those that it doesn't.

PostgreSQL itself finds the words and their stems in what is prepared here. `words` is for comparing texts without it.
"""

import unicodedata

from src.domain.words import ARABIC_FUNCTION_WORDS, HINDI_FUNCTION_WORDS, in_pairs, without_articles

# The configurations of PostgreSQL 14. https://www.postgresql.org/docs/14/textsearch-dictionaries.html
_CONFIGURATIONS = {
    "ar": "arabic",
    "ca": "catalan",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "eu": "basque",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "nb": "norwegian",
    "ne": "nepali",
    "nl": "dutch",
    "nn": "norwegian",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}

# Candrabindu and anusvara are both written for the same sound in Hindi; the stemmer knows only anusvara.
_SAME = str.maketrans({"ँ": "ं"})


def search_configuration(language: str) -> str:
    """Returns PostgreSQL's text search configuration for a BCP 47 tag; `simple` if it has none for the language."""
    return _CONFIGURATIONS.get(language.partition("-")[0].lower(), "simple")


def searchable(text: str) -> str:
    """Returns the text in the one spelling in which PostgreSQL is to read its words.

    In a script without spaces, pairs of characters are the words.
    """
    text = unicodedata.normalize("NFKC", text).translate(_SAME)
    return in_pairs(without_articles(text))


SMALL_WORDS = tuple(searchable(f"{HINDI_FUNCTION_WORDS} {ARABIC_FUNCTION_WORDS}").split())
"""Words that no query searches for, in the languages for which PostgreSQL has no list of stop words."""
