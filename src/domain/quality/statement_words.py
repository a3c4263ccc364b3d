"""The words of statements and evidence in order, as `statements` compares them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import regex

from src.domain.language_tag import primary_subtag
from src.domain.normal_form import normal_text
from src.domain.words import NO_SPACES, carries_content, negations, stem

_TOKEN = regex.compile(
    r"(?P<number>(?<![\p{L}\p{M}\p{N})\]])[-+]?\p{Nd}+(?:[.,:/]\p{Nd}+)*(?![\p{Latin}\p{N}]))"
    rf"|(?P<sign>{NO_SPACES.pattern}\p{{M}}*)"
    r"|(?P<word>[\p{L}\p{N}][\p{L}\p{M}\p{N}\u200c\u200d]*(?:'[\p{L}\p{M}]+)*)"
)
_CLAUSE = regex.compile(r"(?<=\s)\(|[,;:|–—،؛、，；：·。．!?]|\.\s|\s-\s")
_OPPOSITES = """
    to/from before/after above/below over/under up/down into/from in/out on/off more/less more/fewer most/least
    with/without all/some all/no always/never always/sometimes every/no first/last
    vor/nach über/unter mit/ohne mehr/weniger alle/einige immer/nie
    avant/après sur/sous avec/sans plus/moins toujours/jamais vers/de
    antes/después sobre/bajo con/sin más/menos siempre/nunca antes/depois com/sem mais/menos sempre/nunca
    до/после над/под больше/меньше всегда/никогда πριν/μετά πάνω/κάτω πάντα/ποτέ
    قبل/بعد فوق/تحت לפני/אחרי מעל/מתחת önce/sonra पहले/बाद ऊपर/नीचे
"""
OPPOSITES = frozenset(frozenset(pair.split("/")) for pair in _OPPOSITES.split())
"""Words of which one says the contrary of the other, though neither is a negation."""
# What holds both ways: a statement with its sides exchanged says the same.
_BOTH_WAYS = regex.compile(
    r"^(?:=|equal|same|simil|differ|togeth|identi|equiv|unlike|like|near|next|meet|marr|gleich|égal|igual|同|等|相)"
)
CONJUNCTIONS = {
    "en": "and or", "de": "und oder", "fr": "et ou", "es": "y e o u", "pt": "e ou", "it": "e o", "nl": "en of",
    "ru": "и или", "el": "και ή", "tr": "ve veya", "ar": "و أو", "hi": "और या", "hy": "եւ և կամ", "am": "እና ወይም",
    "ko": "와 과 및", "zh": "和 与 或", "ja": "と や",
}  # fmt: skip
"""Words that join the items of a list."""


_WITHOUT = "without ohne sans sin sem senza zonder без χωρίς בלי ללא بدون دون बिना 없이"
WITHOUT = frozenset(_WITHOUT.split())
"""Negations that deny no statement."""
DOUBT = regex.compile(
    r"\b(?:myth|mistake|wrong|false|untrue|believ\w+|thought|think|claim\w*|suppos\w+|irrtum|falsch|glaub\w+|meint\w*"
    r"|faux|fausse|erreur|croi\w+|falso|falsa|error|cre[ei]\w+|mito|erro|acredita\w*|миф|ошиб\w+|неверно|счита\w+"
    r"|λάθος|μύθος|πίστευ\w+|yanlış|sanıl\w+)\b|טעות|מיתוס|خطأ|يعتقد|गलत|मिथक|误|錯|误解|誤|迷信|ผิด|ខុស|잘못",
    regex.IGNORECASE,
)
"""What a sentence says that states something only to call it wrong."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or sign of a text."""

    text: str
    """The word, number or sign of a script without spaces, in the normal form."""
    stem: str
    is_content: bool
    is_sign: bool
    """Whether it is a sign of a script without spaces."""
    is_number: bool
    is_denial: bool
    clause: int
    """The number of the clause that it is in."""
    place: int
    """Its place among all words of the text."""


@lru_cache(maxsize=512)
def tokens(text: str, language: str) -> tuple[Token, ...]:
    """Returns the words and numbers of a text in order; in scripts without spaces, its signs."""
    found: list[Token] = []
    start = 0
    form = normal_text(text)
    if primary_subtag(language) != "en":
        form = form.replace("'", " ")  # l'eau, Ege'de
    for number, clause in enumerate([*_CLAUSE.finditer(form), None]):
        end = clause.start() if clause else len(form)
        for token in _TOKEN.finditer(form, start, end):
            shown = token.group().lstrip("+")
            is_sign = token["sign"] is not None
            is_content = is_sign or token["number"] is not None or carries_content(shown, language)
            denies = bool(negations(shown, language)) and shown not in WITHOUT
            form_of_it = shown if is_sign else stem(shown, language)
            is_number = token["number"] is not None
            found.append(
                Token(shown, form_of_it, is_content and not denies, is_sign, is_number, denies, number, len(found))
            )
        start = clause.end() if clause else end
    return tuple(found)


def joined(found: Sequence[Token]) -> list[str]:
    """Returns words, with the signs of scripts without spaces put together again."""
    joined: list[str] = []
    for before, token in zip([None, *found], found, strict=False):
        if token.is_sign and before is not None and before.is_sign and before.clause == token.clause:
            joined[-1] += token.text
        else:
            joined.append(token.text)
    return joined


def is_exchanged(stated: Sequence[Token], given: Sequence[Token], conjunctions: Sequence[str]) -> bool:
    """Returns whether two parts have changed places around something that doesn't hold both ways."""
    start, size = 0, len(stated)
    while stated[start].stem == given[start].stem:
        start += 1
    end = size
    while stated[end - 1].stem == given[end - 1].stem:
        end -= 1
    mine, its = [it.stem for it in stated[start:end]], [it.stem for it in given[start:end]]
    length = end - start
    for first in range(1, length):
        for second in range(1, length - first + 1):
            between = length - first - second
            if mine[:first] != its[length - first :] or mine[length - second :] != its[:second]:
                continue
            if mine[first : first + between] != its[second : second + between]:
                continue
            middle = stated[start + first : start + first + between]
            if any(_BOTH_WAYS.match(it.text) for it in middle):
                return False
            joins = [it.text in conjunctions for it in middle]
            if any(joins) and all(join or it.is_content for join, it in zip(joins, middle, strict=True)):
                return False  # a list in another order
            return any(it.is_content for it in middle)
    return False


def is_number_of_another(core: Sequence[Token], evidence: Sequence[Token]) -> bool:
    """Returns whether the only number of a statement follows another word in the evidence, and another number its word.

    So 0 °C is where water freezes, and not where it boils. Only a number that stands before the word is told so: behind
    it, the word may be left out, as in "odd numbers end in 1, and even ones in 0".
    """
    places = [place for place, token in enumerate(core) if token.is_number]
    if len(places) != 1 or places[0] == 0 or core[0].is_sign:
        return False
    number, word, known = core[places[0]].text, core[places[0] - 1].stem, {token.stem for token in core}
    pairs = [*pairwise(evidence)]
    behind = [place for place, (token, after) in enumerate(pairs) if token.stem == word and after.is_number]
    if not behind or any(pairs[place][1].text == number for place in behind):
        return False
    before = [token.stem for token, after in pairs[: behind[0]] if after.is_number and after.text == number]
    return bool(before) and known.isdisjoint(before)
