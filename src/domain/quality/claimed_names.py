"""Holds the proper names of a sentence against the passages that it is said to rest on.

A name is told by its capital, so only where a script has capitals and a language doesn't give one to every noun. A true
sentence may name the same in another form (US and United States, Dane and Danish), or say where something is. So a name
is wrong only if no form of it stands in any passage, nor anywhere else in the lesson.
"""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import regex
from babel.core import get_global
from rapidfuzz import fuzz, process

from src.domain.language_tag import primary_subtag
from src.domain.normal_form import normal_text
from src.domain.number_words import language_of, locale_of
from src.domain.quality.judged_text import prose_of
from src.domain.source import Passage
from src.domain.words import carries_content, stem, words

# A word with a capital inside a sentence. At the start, or after a sign that may begin a sentence, a capital tells
# nothing.
_NAME = regex.compile(r"(?<=[\p{Ll}\p{M}\d,;)]\s|\p{Lu}[\p{L}\p{M}.]*\s)\p{Lu}[\p{L}\p{M}’'-]+|\b\p{Lu}[\p{Lu}\d]+\b")
_FIRST_WORD = regex.compile(r"[^\p{L}\d]*(\p{Lu}[\p{L}\p{M}’'-]+)")
_LOWER = regex.compile(r"\b\p{Ll}[\p{L}\p{M}’'-]*")
_CAPITALISED = regex.compile(r"\b\p{Lu}[\p{L}\p{M}’'.-]*")
_CAPITALS_IN_ROW = regex.compile(
    r"\b\p{Lu}[\p{L}\p{M}’'-]*(?:\s(?:of|the|and|de|des|du|la|di|der|und|[\p{Lu}][\p{L}\p{M}’'-]*))+"
)
_INITIALS = regex.compile(r"\b(?:(\p{Lu})\.[\s-]?)+(\p{L}[\p{L}\p{M}’'-]*)")
# Titles and terms, which are often in another language than the text.
_SET_APART = regex.compile(
    r"(?<![*_\w])([*_]{1,3})(?=\S)[^*_\n]{1,200}?(?<=\S)\1|“[^”]{0,300}”|\"[^\"]{0,300}\"|«[^»]{0,300}»|‘[^’]{0,300}’"
)
_MAY_BE_SET_APART = re.compile('[*_“"«‘]')
_ROMAN = regex.compile(r"[IVXLCDM]+(?:[eᵉº]|er|ère|ème|-\p{Ll}+)?")
NAMELESS = frozenset({"de", "lb"})
"""Languages in which every noun has a capital, so that names can't be told by it."""
_UNLIKE_SCRIPTS = frozenset({"ru", "el", "uk", "bg", "sr", "hy", "ka"})
"""Languages with capitals in a script of their own: a word in Latin letters is no name there that could be compared."""
_SHORT_NAME = 5
_LEAST_LIKENESS = 75.0
_BRITISH = frozenset({"england", "scotland", "wales"})  # CLDR has these as subdivisions, which Babel leaves out
_LATIN = regex.compile(r"\p{Latin}")
_WITH_CAPITALS = regex.compile(r"[\p{Latin}\p{Greek}\p{Cyrillic}\p{Armenian}]")
_ACRONYM = regex.compile(r"\p{Lu}{2,6}s?")


@dataclass(frozen=True, slots=True)
class Named:
    """The words of a text by which it may bear out a name."""

    stems: frozenset[str]
    beginnings: frozenset[str]
    """The first four and five letters of each stem: who says "Genoese" names Genoa too."""
    capitalised: frozenset[str]
    """Its words with a capital, in small letters."""
    initials: frozenset[str]
    """The first letters of capitalised words in a row: "us" of United States."""

    def bears_out(self, name: str, language: str) -> bool:
        """Returns whether the text has a form of this name."""
        if all(
            stem(part, language) in self.stems or (len(part) >= 5 and _beginning(part) in self.beginnings)
            for part in words(name.replace("-", " "))
        ):
            return True
        small = normal_text(name)
        if _ACRONYM.fullmatch(name):
            return any(set(initials) <= set(small) for initials in self.initials)
        for word in self.capitalised:
            if word[:3] == small[:3] and min(len(word), len(small)) <= _SHORT_NAME:
                return True
        return process.extractOne(small, self.capitalised, scorer=fuzz.ratio, score_cutoff=_LEAST_LIKENESS) is not None


@lru_cache(maxsize=512)  # many sentences of a course are compared with the same passages
def named(text: str, language: str) -> Named:
    """Returns the words of a text by which it may bear out a name."""
    stems = frozenset(stem(word, language) for word in words(text))
    beginnings = frozenset(word[:length] for word in stems for length in (4, 5) if len(word) >= length)
    capitalised = frozenset(normal_text(" ".join(_CAPITALISED.findall(text))).split(" "))
    initials = set()
    for row in _CAPITALS_IN_ROW.findall(text):
        letters = "".join(word[0] for word in row.split() if word[0].isupper()).casefold()
        if len(letters) > 1:
            initials.add(letters)
    return Named(stems, beginnings, capitalised, frozenset(initials))


def capitalised(text: str, language: str) -> list[str]:
    """Returns the stems of the words of a text that have a capital, in order."""
    return [stem(word, language) for word in words(" ".join(_CAPITALISED.findall(text)))]


def text_of(passage: Passage) -> str:
    """Returns all that a passage says, with its heading and the name of its document."""
    return f"{passage.text} {passage.section} {passage.document}"


@dataclass(frozen=True)
class KnownNames(Container[str]):
    """The words that have a capital inside some sentence of these texts and are nowhere without one."""

    texts: Sequence[str]

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and word in self._inside and word.casefold() not in self._lower

    @cached_property
    def _inside(self) -> frozenset[str]:
        return frozenset(name for text in self.texts for name in _NAME.findall(text))

    @cached_property
    def _lower(self) -> frozenset[str]:
        return frozenset(word for text in self.texts for word in _LOWER.findall(text))


def names_of(sentence: str, names: Container[str], language: str) -> list[str]:
    """Returns the proper names of a sentence, as far as they can be told; a first word only if it is one of `names`."""
    subtag = primary_subtag(language)
    if subtag in NAMELESS:
        return []
    plain = prose_of(sentence)
    if _MAY_BE_SET_APART.search(plain):
        plain = _SET_APART.sub(" ", plain)
    first = _FIRST_WORD.match(plain)
    opening = [first.group(1)] if first and first.group(1) in names else []
    rest = plain[1:]
    inside = _NAME.findall(plain) if rest != rest.lower() or rest[:1].isdecimal() else []
    found = dict.fromkeys((*opening, *inside))
    return [name for name in found if not _is_no_name(name, language)]


def strange_names(
    sentence: str, cited: Sequence[Passage], quotes: str, names: Container[str], language: str
) -> list[str]:
    """Returns the names of a sentence that the passages which it cites don't have, in any form.

    `names`: the `KnownNames` of the lesson and its passages.
    """
    found = names_of(sentence, names, language)
    if not found:
        return []
    given = [named(text_of(passage), language) for passage in cited]
    strange = [name for name in found if not any(it.bears_out(name, language) for it in given)]
    return [
        name
        for name in strange
        if not _is_abbreviated(name, sentence, cited, language) and not _is_context(name, sentence, quotes, language)
    ]


def _is_abbreviated(name: str, sentence: str, cited: Sequence[Passage], language: str) -> bool:
    """Returns whether a passage may have only the initial of a name: "S. Ruben", where the sentence has Ruben too."""
    here = named(sentence, language)
    return any(
        name[0] in (letters := found.captures(1))
        and (
            len(letters) > 1
            or (carries_content(normal_text(found[2]), language) and here.bears_out(found[2], language))
        )
        for passage in cited
        for found in _INITIALS.finditer(passage.text)
    )


@lru_cache(maxsize=2048)
def _is_no_name(name: str, language: str) -> bool:
    """Returns whether a word with a capital is a number, a month, an era, or a word that has it out of reverence."""
    small = normal_text(name)
    if _ROMAN.fullmatch(name) or small in language_of(language).numbers or small in calendar(primary_subtag(language)):
        return True
    if primary_subtag(language) in _UNLIKE_SCRIPTS and _LATIN.match(name):
        return True
    return not _WITH_CAPITALS.match(name) or not carries_content(small, language)


def _is_context(name: str, sentence: str, quotes: str, language: str) -> bool:
    """Returns whether a name is that of a country, city or language, and stands for none that the quotation names.

    Where somebody lived, and what was spoken there, a true sentence may well say though its passage doesn't.
    """
    here = named(sentence, language)
    others = [normal_text(other) for other in _NAME.findall(f"a {quotes}") if not here.bears_out(other, language)]
    small = normal_text(name)
    kinds = [kind for kind in (*places(primary_subtag(language)), *places("en")) if small in kind]
    return bool(kinds) and not any(other in kind for other in others for kind in kinds)


def _beginning(word: str) -> str:
    return word[: 5 if len(word) > 5 else 4]


@lru_cache(maxsize=32)
def calendar(subtag: str) -> frozenset[str]:
    """Returns the words of a language, and of English, for months, days and eras."""
    found = {"ad", "bc", "bce", "ce", "ah", "am", "pm", "ac", "dc"}
    for locale in filter(None, (locale_of(subtag), locale_of("en"))):
        for names in (locale.months, locale.days):
            for widths in names.values():
                found |= {normal_text(name) for width in ("wide", "abbreviated") for name in widths[width].values()}
    return frozenset(found)


@lru_cache(maxsize=16)
def places(subtag: str) -> tuple[frozenset[str], ...]:
    """Returns the words in the names of countries and regions, of languages, and of cities."""
    locale = locale_of(subtag)
    if locale is None:
        return ()
    countries = {word for name in locale.territories.values() for word in words(name)} | _BRITISH
    countries |= {code.casefold() for code in map(str, locale.territories) if code.isalpha() and len(code) == 2}
    languages = {word for name in locale.languages.values() for word in words(name)}
    cities = {
        word for zone in get_global("zone_territories") for word in words(zone.rpartition("/")[2].replace("_", " "))
    }
    return frozenset(countries), frozenset(languages), frozenset(cities)
