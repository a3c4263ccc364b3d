"""Which words of a text a search goes by, in the languages that PostgreSQL knows and in those that it doesn't."""

import re
import unicodedata

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

# Words that say nothing. PostgreSQL has lists of its own for most European languages, but not for these.
_HINDI = (
    "का के की को में से पर और है हैं था थे थी यह वह ये वे एक इस उस कि जो तो भी ने हो ही या कर करता करते करने लिए साथ तक"
    " नहीं किया गया जाता होता होते होती अपने इन उन क्या कैसे तथा एवं द्वारा"
)
_ARABIC = (
    "في من على إلى الى عن مع أن إن ان هذا هذه ذلك تلك التي الذي الذين ما لا لم لن هو هي هم كان كانت قد كل بعض أو او ثم"
    " بين عند حيث كما لكن إذا اذا أي و ف ب ل ك كيف هل"
)
# Han, Hiragana, Katakana, Thai, Lao, Khmer, Burmese: no spaces between words.
_UNSPACED = re.compile(
    r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff\u0e00-\u0eff\u1780-\u17ff\u1000-\u109f]+"
)
# The Arabic article and what is written before it. PostgreSQL's stemmer leaves it where the word is short, so that
# "الخلية" and "خلية" would be two words. After Larkey, Ballesteros and Connell, "Light Stemming for Arabic Information
# Retrieval", 2007.
_ARTICLE = re.compile(r"(?<!\w)(?:[وبكف]?ال|لل)(?=[\u0621-\u064a]{3})")
# Both dots of Hindi are written for the same sound; the stemmer knows one.
_SAME = str.maketrans({"ँ": "ं"})


def search_configuration(language: str) -> str:
    """PostgreSQL's text search configuration for a BCP 47 tag; `simple` where it has none."""
    return _CONFIGURATIONS.get(language.partition("-")[0].lower(), "simple")


def searchable(text: str) -> str:
    """The text as PostgreSQL is to read it for words, in one spelling.

    Where a script has no spaces, pairs of characters are its words.
    """
    text = unicodedata.normalize("NFKC", text).translate(_SAME)
    text = _ARTICLE.sub("", text)
    return _UNSPACED.sub(lambda match: f" {' '.join(_pairs(match.group()))} ", text)


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(max(1, len(run) - 1))]


SMALL_WORDS = tuple(searchable(f"{_HINDI} {_ARABIC}").split())
"""What no query searches for, in languages for which PostgreSQL has no such list."""
