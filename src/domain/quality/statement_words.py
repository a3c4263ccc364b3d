"""The words of statements and evidence in order, as `statements` compares them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

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
BOTH_WAYS = regex.compile(
    r"^(?:=|equal|same|simil|differ|togeth|identi|equiv|unlike|like|near|next|meet|marr|gleich|égal|igual|同|等|相)"
)
"""What holds both ways: a statement with its sides exchanged says the same."""
_CONJUNCTIONS = (
    "and or und oder et ou y e o u en of и или και ή ve veya و أو और या եւ և կամ እና ወይም 와 과 및 和 与 或 と や"
)
CONJUNCTIONS = frozenset(_CONJUNCTIONS.split())
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
NOT_ONLY = regex.compile(
    r"\b(?:not (?:only|just|until)|nicht nur|non seulement|no s[óo]lo|não só|non solo|niet alleen|не только)\b"
    r"|不仅|不但|だけでなく|뿐만|न केवल|ليس فقط|לא רק",
    regex.IGNORECASE,
)


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
