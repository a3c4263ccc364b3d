"""Words, numbers and sentences of text in any script. Positions count characters."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import regex

# A letter or digit, then all that belongs to it: the vowel signs of Hindi are marks, and joiners stand inside words.
_WORD = regex.compile(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}\u200c\u200d]*(?:['’][\p{L}\p{M}]+)*")
_NUMBER = regex.compile(r"\p{Nd}+(?:[.,\u066b\u066c\u202f\u00a0]\p{Nd}+)*")
_POINT = regex.compile(r"[^0-9]")
_THOUSANDS = regex.compile(r"[^0-9](?=[0-9]{3}(?![0-9]))")
# A mark that ends a sentence, the signs that may close with it, citations, and then space before what may begin a
# sentence.
_SENTENCE_END = regex.compile(
    r"(?<![.!?…。！？؟।॥۔])[.!?…。！？؟।॥۔]++[\"'”’»)\]*_]*+(?:\s?\[\d+(?:\s*,\s*\d+)*\])*(?=\s+[^\s\p{Ll}]|\s*$)|[。！？]"
)
# A single capital is an initial if it follows a name or begins the sentence; after any other word it ends the sentence
# ("vitamin C.").
_ABBREVIATION = regex.compile(
    r"\b(?:e\.g|i\.e|cf|vs|etc|approx|ca|Dr|Mr|Mrs|Ms|Prof|St|No|Fig|Figs|bzw|Nr|Abb|Mio|Mrd|usw|\p{Ll})\.$"
    r"|(?:^|\p{Lu}[\p{L}.]*\s|\b\p{L}\.\s?)\p{Lu}\.$"
)
_INITIAL_FOLLOWS = regex.compile(r"\s+\p{Lu}\.")
NO_SPACES = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\u30fc\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
"""Matches a character of a script that has no spaces between words."""
_UNSPACED = regex.compile(f"{NO_SPACES.pattern}+")
_DEVANAGARI = regex.compile(r"\p{Devanagari}")
_BLOCK = regex.compile(r"\n\s*\n|\n(?=\s*(?:[-*+•]|\d+[.)])\s)")
_BULLET = regex.compile(r"^\s*(?:[-*+•]|\d+[.)])\s+")

_NUMBER_WORDS = {
    word: str(value)
    for words in (
        "zero one two three four five six seven eight nine ten eleven twelve",
        "null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
        "शून्य एक दो तीन चार पांच छह सात आठ नौ दस ग्यारह बारह",
        "صفر واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة عشرة",
    )
    for value, word in enumerate(words.split())
}
_TEENS_AND_TENS = {
    word: str(value)
    for words, values in (
        ("thirteen fourteen fifteen sixteen seventeen eighteen nineteen", range(13, 20)),
        ("dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn", range(13, 20)),
        ("twenty thirty forty fifty sixty seventy eighty ninety", range(20, 100, 10)),
        ("zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig", range(20, 100, 10)),
        ("बीस तीस चालीस पचास साठ सत्तर अस्सी नब्बे", range(20, 100, 10)),
        ("عشرون ثلاثون أربعون خمسون ستون سبعون ثمانون تسعون", range(20, 100, 10)),
    )
    for word, value in zip(words.split(), values, strict=True)
}
_NUMBER_WORDS |= {word.casefold(): value for word, value in _TEENS_AND_TENS.items()}
# Such as "twenty-five" and "fünfundzwanzig".
_COMPOUND = regex.compile(
    r"\b(?P<tens>twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)-"
    r"(?P<unit>one|two|three|four|five|six|seven|eight|nine)\b"
    r"|\b(?P<unit>ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun)und"
    r"(?P<tens>zwanzig|dreissig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig)\b"
)

HINDI_FUNCTION_WORDS = (
    "का के की को में से पर और है हैं था थे थी यह वह ये वे एक इस उस कि जो तो भी ने हो ही या कर करता करते करने लिए साथ तक"
    " नहीं किया गया जाता होता होते होती अपने इन उन क्या कैसे तथा एवं द्वारा"
)
ARABIC_FUNCTION_WORDS = (
    "في من على إلى الى عن مع أن إن ان هذا هذه ذلك تلك التي الذي الذين ما لا لم لن هو هي هم كان كانت قد كل بعض أو او ثم"
    " بين عند حيث كما لكن إذا اذا أي و ف ب ل ك كيف هل"
)
# English and German ones have four letters or more: shorter words in ASCII are taken to carry no content anyway.
_FUNCTION_WORDS = frozenset(
    """about after also because been before being between both call called does done each from have having into itself
    just like made make many more most much must only other over same should some such than that their them then there
    these they this those through under very were what when where which while whose will with within without would your
    aber auch dass dein deine dem denn diese dieser dieses doch durch eine einem einen einer eines haben hier ihre ihren
    kann mehr nach nicht noch oder sein seine sich sind über unter viele wenn werden wird wurde zwischen""".split()  # noqa: SIM905
) | frozenset(f"{HINDI_FUNCTION_WORDS} {ARABIC_FUNCTION_WORDS}".split())
# That two texts count these doesn't mean that they count the same thing.
_MEASURES = frozenset(
    """second minute hour day week month year decade century percent time metre meter kilometre kilometer mile gram
    sekunde minuten stunde tage woche monat jahre jahren jahrhundert prozent
    मिनट घंटे दिन साल वर्ष प्रतिशत बार ثانية دقيقة ساعة يوم أيام سنة سنوات عام بالمئة""".split()  # noqa: SIM905
)
_NEGATIONS = frozenset(
    """no not never none nor cannot without nicht kein keine keinen nie ohne नहीं न لا ليس لم لن""".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, and its place in the text: `text[start:end]`."""

    text: str
    start: int
    end: int


def words(text: str) -> list[str]:
    """Returns the words of `text` in order and in lower case; in a script without spaces, pairs of characters."""
    found: list[str] = _WORD.findall(text.casefold())
    if text.isascii() or not NO_SPACES.search(text):
        return found
    return [part for word in found for part in in_pairs(word).split()]


def in_pairs(text: str) -> str:
    """Returns the text with each run of a script without spaces cut into pairs of characters.

    The pairs overlap by one, and are near enough to words to compare texts by them.
    """
    return _UNSPACED.sub(lambda run: f" {' '.join(_pairs(run.group()))} ", text)


def _pairs(run: str) -> list[str]:
    return [run[start : start + 2] for start in range(max(1, len(run) - 1))]


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Returns what the inflected forms of a word mostly share, enough to tell whether texts speak of the same thing.

    This is no stemmer for one language: it takes off a plural `s`, and the end of a long word.
    """
    short = word[:-2] if word.endswith(("'s", "’s")) else word
    if len(short) > 3 and short.endswith("s") and not short.endswith(("ss", "us", "is")):
        short = short[:-1]
    return short[:6] if short.isascii() or len(short) <= 6 else short[: max(4, len(short) - 3)]


def content_stems(text: str) -> list[str]:
    """Returns the stems of the words that carry content, in order; if none does, the stems of all words."""
    found = words(text)
    content = [word for word in found if _carries_content(word)]
    return [stem(word) for word in content or found]


def _carries_content(word: str) -> bool:
    if word in _FUNCTION_WORDS:
        return False
    # Words of other scripts have fewer characters than those in Latin (जल is water); a single one of Chinese is a word.
    least = 4 if word.isascii() else 1 if NO_SPACES.match(word) else 2 if _DEVANAGARI.match(word) else 3
    return len(word) >= least or any(map(str.isdigit, word))


def numbers(text: str) -> set[str]:
    """Returns the numbers of `text` in ASCII digits without separators.

    They include number words up to 99, but in Hindi and Arabic only those up to twelve, and the tens. "1,000", "1.000"
    and "١٠٠٠" are the same number, and so are "3.5" and "3,5": three digits after a sign are taken for thousands.
    """
    folded = text.casefold()
    compounds = set(map(_compound, _COMPOUND.finditer(folded)))
    single = {_NUMBER_WORDS[word] for word in words(_COMPOUND.sub(" ", folded)) if word in _NUMBER_WORDS}
    return written_numbers(text) | compounds | single


def written_numbers(text: str) -> set[str]:
    """Returns the same as `numbers`, but without number words."""
    return {_digits(match) for match in _NUMBER.findall(text)}


def counts(text: str) -> list[tuple[str, frozenset[str]]]:
    """Returns what `text` counts, in order: each whole number, in digits or words, with the stems of what it counts.

    These are the stems of the content words among the three words that follow it, without measures: "three large
    cells" counts `large` and `cell`. Zero and one are left out, as "one" is often no number.
    """
    folded = _NUMBER.sub(_whole, _COMPOUND.sub(_compound, text.casefold()))
    found = [_NUMBER_WORDS.get(word, word) for word in words(folded)]
    return [
        (word, frozenset(stem(thing) for thing in found[place + 1 : place + 4] if _is_thing(thing)) - _MEASURE_STEMS)
        for place, word in enumerate(found)
        if word.isdecimal() and word not in ("0", "1")
    ]


def _is_thing(word: str) -> bool:
    return _carries_content(word) and not word.isdecimal()


def _whole(found: regex.Match[str]) -> str:
    number = _digits(found.group())
    return number if number.isdecimal() else " "


def _compound(found: regex.Match[str]) -> str:
    return str(int(_NUMBER_WORDS[found["tens"]]) + int(_NUMBER_WORDS[found["unit"]]))


def _digits(number: str) -> str:
    ascii_digits = "".join(str(int(character)) if character.isdecimal() else character for character in number)
    whole, point, fraction = _POINT.sub(".", _THOUSANDS.sub("", ascii_digits)).partition(".")
    return (whole.lstrip("0") or "0") + point + fraction


_MEASURE_STEMS = frozenset(map(stem, _MEASURES))


def negations(text: str) -> int:
    """Returns how many words of `text` deny something."""
    return sum(word in _NEGATIONS or word.endswith(("n't", "n’t")) for word in words(text))


def sentences(text: str) -> list[Sentence]:
    """Returns the sentences of Markdown prose. The end of a paragraph or list item ends one; bullets belong to none."""
    found: list[Sentence] = []
    start = 0
    for block in [*_BLOCK.finditer(text), None]:
        end = block.start() if block else len(text)
        found.extend(_of_block(text, start, end))
        start = block.end() if block else end
    return found


def _of_block(text: str, start: int, end: int) -> Iterator[Sentence]:
    bullet = _BULLET.match(text[start:end])
    begin = start + (bullet.end() if bullet else 0)
    for mark in _SENTENCE_END.finditer(text, begin, end):
        is_end = mark.end() >= end or not mark.group().startswith(".")
        if not is_end and _is_abbreviated(text, begin, mark.start(), mark.end()):
            continue
        yield from _trimmed(text, begin, mark.end())
        begin = mark.end()
    yield from _trimmed(text, begin, end)


def _is_abbreviated(text: str, begin: int, stop: int, end: int) -> bool:
    before = text[max(begin, stop - 40) : stop + 1].lstrip()
    is_initial = before[-2:-1].isupper() and not before[-3:-2].isalnum()
    return bool(_ABBREVIATION.search(before) or (is_initial and _INITIAL_FOLLOWS.match(text, end)))


def _trimmed(text: str, start: int, end: int) -> Iterator[Sentence]:
    inner = text[start:end]
    stripped = inner.strip()
    if stripped:
        begin = start + len(inner) - len(inner.lstrip())
        yield Sentence(stripped, begin, begin + len(stripped))
