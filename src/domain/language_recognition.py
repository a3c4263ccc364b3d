"""Recognises the language of a text."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import regex
from babel import Locale, UnknownLocaleError
from lingua import Language, LanguageDetector, LanguageDetectorBuilder

from src.domain.language_tag import primary_subtag
from src.domain.words import function_words

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
_MOSTLY = 0.7
# Shares of function words. A text in its own language has a fifth to a half of them, and one in a near relative, such
# as Spanish and Portuguese, has less than two thirds as many of the other one's.
_LEAST_SHARE = 0.15
_CLEARLY = 1.3
_LEAST_SHARE_OF_ANOTHER = 0.3
_FAR = 3
_FEWEST_WORDS = 8
"""Fewer words have no shares that tell anything."""

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

    `language` is a BCP 47 tag. Words such as "the" and "of" tell most languages apart, and cost a tenth of lingua,
    which is asked where they don't. If lingua doesn't know the language, or the text is short, only words and script
    are looked at.
    """
    if foreign := other_script(text, language):
        return foreign
    subtag = primary_subtag(language)
    if _has_a_script_of_its_own(text, subtag):
        return None
    shares = _shares(text, _SCRIPTS.get(subtag))
    own = shares.get(subtag, 0.0)
    best = max(((share, other) for other, share in shares.items() if other != subtag), default=(0.0, ""))
    if own >= max(_LEAST_SHARE, _CLEARLY * best[0]):
        return None
    if len(text) < LEAST_CHARACTERS:
        is_clear = subtag in shares and best[1] and best[0] >= max(_LEAST_SHARE_OF_ANOTHER, _FAR * own)
        return _languages()[best[1].upper()].name.title() if is_clear else None
    wanted = _languages().get(subtag.upper())
    if wanted is None:
        return None
    detector = _detector(_languages_of(_COMMON) | {wanted})
    confidences = {found.language: found.value for found in detector.compute_language_confidence_values(text)}
    likely = max(confidences, key=lambda found: confidences[found])
    if likely is wanted or confidences[likely] < _SURE or confidences.get(wanted, 0.0) > _HARDLY:
        return None
    return likely.name.title()


def _shares(text: str, script: str | None) -> Mapping[str, float]:
    """Returns which share of the words are function words, by language; nothing if the words are too few to tell.

    Looked at are the languages of one script, or all.
    """
    found = _BARE_WORD.findall(text.lower()) if text.isascii() else _WORD.findall(text.casefold())
    if len(found) < _FEWEST_WORDS:
        return {}
    languages, by_word = _functional(script)
    counted = dict.fromkeys(languages, 0)
    for word in found:
        for language in by_word.get(word, ()):
            counted[language] += 1
    return {language: number / len(found) for language, number in counted.items()}


@lru_cache(maxsize=32)
def _functional(script: str | None) -> tuple[Sequence[str], Mapping[str, Sequence[str]]]:
    """Returns the languages of a script whose function words are known, and those that have each of these words."""
    known = {
        language: words
        for language, words in function_words().items()
        if script is None or _SCRIPTS[language] == script
    }
    every = frozenset().union(*known.values())
    return tuple(known), {word: tuple(language for language in known if word in known[language]) for word in every}


def _has_a_script_of_its_own(text: str, subtag: str) -> bool:
    """Returns whether a text is in a script in which, of the languages told apart, only this one is written."""
    name = _SCRIPTS.get(subtag)
    if name is None or name in _SHARED:
        return False
    return _count(_SCRIPT[name], text) > _MOSTLY * _count(_LETTERS, text)


def _count(runs: regex.Pattern[str], text: str) -> int:
    return sum(map(len, runs.findall(text)))


def other_script(text: str, language: str) -> str | None:
    """Returns the script of a text, if it has hardly a letter of the script that `language` is written in."""
    wanted = _SCRIPTS.get(primary_subtag(language))
    if wanted is None or "-" in language:  # a tag may name another script
        return None
    if wanted == "Latin" and text.isascii():
        return None
    if wanted == "Latin":
        text = _SIGNS.sub(" ", text)
        if sum(map(len, _BARE_WORD.findall(text))) > _HARDLY * len(text):
            return None
    letters = _count(_LETTERS, text)
    if letters < _LEAST_LETTERS or _count(_SCRIPT[wanted], text) > _HARDLY * letters:
        return None
    return next((name for name, script in _SCRIPT.items() if _count(script, text) > letters / 2), None)


def is_named(found: str, text: str, language: str) -> bool:
    """Returns whether a text in `language` names the language or script `found`, as that which is taught.

    "French" is a revolution's too. English has one word for both, so words such as "grammar" must stand beside it.
    """
    subtag = primary_subtag(language)
    names = {found, *_LANGUAGES_OF_SCRIPT.get(found, "").split()}
    if subtag == "en":
        named = regex.search(rf"\b(?:{'|'.join(map(regex.escape, names))})\b", text)
        return named is not None and _OF_A_COURSE.search(text) is not None
    known = {name: it.iso_code_639_1.name.lower() for it in _languages().values() if (name := it.name.title()) in names}
    local = {_local_name(code, subtag) for code in known.values()} - {""}
    return any(regex.search(rf"(?<!\p{{L}}){regex.escape(name)}(?!\p{{L}})", text.casefold()) for name in local)


@lru_cache(maxsize=256)
def _local_name(code: str, subtag: str) -> str:
    try:
        return (Locale.parse(subtag).languages.get(code) or "").casefold()
    except (UnknownLocaleError, ValueError):
        return ""


def language_name(language: str) -> str:
    """Returns the English name of a language, with its tag; the tag alone if lingua doesn't know it."""
    known = _languages().get(primary_subtag(language).upper())
    return f"{known.name.title()} ({language})" if known else language


_BARE_WORD = re.compile(r"[A-Za-z]+")
_WORD = regex.compile(r"[\p{L}\p{M}]+")
_LETTERS = regex.compile(r"\p{L}+")
# Units, variables and abbreviations such as DNA, which a text in any script has.
_SIGNS = regex.compile(r"(?<![A-Za-z])(?:[A-Z]{2,5}|[A-Za-z]{1,2})(?![A-Za-z])")
_SCRIPT_NAMES = """Latin Arabic Devanagari Bengali Cyrillic Greek Hebrew Thai Hangul Han Khmer Lao Myanmar Armenian
    Georgian Ethiopic Tamil Telugu Gujarati Gurmukhi Kannada Malayalam Sinhala""".split()  # noqa: SIM905
_SCRIPT = {name: regex.compile(rf"\p{{{name}}}+") for name in _SCRIPT_NAMES}
_SCRIPT["Japanese"] = regex.compile(r"[\p{Hiragana}\p{Katakana}ー]+")
_SCRIPTS = {
    **dict.fromkeys(("en", "de", "fr", "es", "pt", "it", "nl", "pl", "tr", "sv", "da", "fi", "cs", "id"), "Latin"),
    **dict.fromkeys(("ar", "fa", "ur"), "Arabic"),
    **dict.fromkeys(("hi", "mr", "ne"), "Devanagari"),
    **dict.fromkeys(("ru", "uk", "bg"), "Cyrillic"),
    **{"bn": "Bengali", "el": "Greek", "he": "Hebrew", "th": "Thai", "ko": "Hangul", "zh": "Han"},
    **{"km": "Khmer", "lo": "Lao", "my": "Myanmar", "hy": "Armenian", "ka": "Georgian", "am": "Ethiopic"},
    **{"ti": "Ethiopic", "ta": "Tamil", "te": "Telugu", "gu": "Gujarati", "pa": "Gurmukhi", "kn": "Kannada"},
    **{"ml": "Malayalam", "si": "Sinhala", "ja": "Japanese"},
}
# Scripts of more than one of the languages that a text may be found to be in. Japanese is told by its syllables.
_SHARED = frozenset({"Latin", "Cyrillic", "Arabic", "Han"})
_LANGUAGES_OF_SCRIPT = {
    "Han": "Chinese Mandarin Japanese Cantonese",
    "Japanese": "Japanese",
    "Hangul": "Korean",
    "Cyrillic": "Russian Ukrainian Bulgarian Serbian",
    "Devanagari": "Hindi Sanskrit Marathi Nepali",
    "Latin": "English French German Spanish Italian Portuguese Dutch Turkish Polish Latin",
    "Arabic": "Arabic Persian Urdu",
    "Ethiopic": "Amharic Tigrinya",
}
# What the topic or plan of a course on a language says beside its name.
_OF_A_COURSE = regex.compile(
    r"\b(?:languages?|grammar|verbs?|nouns?|plurals?|pronouns?|adjectives?|articles?|tenses?|vocabulary|words?|phrases?"
    r"|greetings?|greet|conversations?|dialogues?|speak\w*|say|read|reading|text|spell\w*|pronunciation|pronounce|alphabet"
    r"|characters?|tones?|translat\w+|beginners?|learners?|sentences?|A1|A2|B1|B2|C1|C2)\b",
    regex.IGNORECASE,
)


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
