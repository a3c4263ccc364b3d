"""Which language a text is in."""

from functools import lru_cache

from lingua import IsoCode639_1, Language, LanguageDetector, LanguageDetectorBuilder

from src.domain.headings import primary

LEAST_CHARACTERS = 120
"""From there on three letters in a row tell languages apart well; that is all that is loaded of lingua's models."""
_SURE = 0.9
_HARDLY = 0.05

# What a lesson is found to be in. Few enough to fit into memory; near relatives of one that is wanted would be taken
# for it, and are left out.
_COMMON = ("EN", "DE", "FR", "ES", "PT", "IT", "NL", "PL", "RU", "UK", "TR", "AR", "FA", "HI", "BN", "ZH", "JA", "KO")


def other_language(text: str, language: str) -> str | None:
    """The name of the language that `text` is in, if that is surely not `language`; None also where it can't be told.

    `language`: a BCP 47 tag. Not measured: languages that lingua doesn't know, and short texts.
    """
    wanted = _languages().get(primary(language).upper())
    if wanted is None or len(text) < LEAST_CHARACTERS:
        return None
    confidences = {found.language: found.value for found in _detector(wanted).compute_language_confidence_values(text)}
    best = max(confidences, key=lambda found: confidences[found])
    if best is wanted or confidences[best] < _SURE or confidences.get(wanted, 0.0) > _HARDLY:
        return None
    return best.name.title()


def language_name(language: str) -> str:
    """The English name of a language, or its tag where lingua doesn't know it."""
    known = _languages().get(primary(language).upper())
    return f"{known.name.title()} ({language})" if known else language


@lru_cache(maxsize=1)
def _languages() -> dict[str, Language]:
    return {language.iso_code_639_1.name: language for language in Language.all()}


@lru_cache(maxsize=8)
def _detector(wanted: Language) -> LanguageDetector:
    common = {Language.from_iso_code_639_1(IsoCode639_1.from_str(code)) for code in _COMMON}
    return LanguageDetectorBuilder.from_languages(*common, wanted).with_low_accuracy_mode().build()
