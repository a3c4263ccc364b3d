"""The sentences that the stand-in writes with: those of its passages that say something alone, and their words."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import regex

from src.devtools.stand_in_phrases import STOP_WORDS
from src.domain import sentences as prose
from src.domain.words import stem

_ASIDE = regex.compile(r"\s*\((?:see )?(?:Figure|Table|Fig\.|Abb\.)[^)]*\)")
# Sentences that lean on the one before them, or on a picture, say little alone.
_LEANING = regex.compile(
    r"^(this|these|those|that|it|its|they|their|he|she|his|her|such|however|therefore|thus|instead|also|but|and|or"
    r"|both|another|others?|for example|in addition|as a result|similarly|unlike|some of|one of|check|click|see"
    r"|dies\w*|er|sie|es|aber|und|auch|daher|dadurch|deshalb|so|यह|ये|वह|वे|इस|इन|لكن|هذا|هذه|ذلك|وهي|وهو)\b",
    regex.IGNORECASE,
)
_NOT_PROSE = regex.compile(
    r"figure|table \d|https?://|chapter:|source:|website|video|[|*#<>\[\]{}`]|[?؟:]$", regex.IGNORECASE
)
_UNFIT = regex.compile(r"[<>\[\]{}`*#_|\\]+")
_WORD = regex.compile(r"\p{L}[\p{L}\p{M}\u200c\u200d]+")
# A longer sentence would be more of a source than a quotation may be (the gate `copied` allows some words more).
_MOST_WORDS = 28


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that a lesson can use."""

    text: str
    passage: int
    """The number of the passage that it is from; 0 for filler."""
    place: int
    """Its place among the sentences of the passage, counted from 0."""
    quote: str
    """The sentence as it stands in the passage."""
    stems: frozenset[str]


def sentences_of(passages: Sequence[dict[str, Any]]) -> list[Sentence]:
    """Returns the sentences of `passages` that can stand alone, each once, in order.

    If there is none, each passage gives its beginning as a sentence.
    """
    found: dict[str, Sentence] = {}
    for passage in passages:
        for place, (text, quote, stems) in enumerate(_split(str(passage["text"]))):
            if _stands_alone(text):
                found.setdefault(text, Sentence(text, int(passage["number"]), place, quote, stems))
    if not found:
        # A clumsy lesson about these passages is better than none.
        for passage in passages:
            quote = " ".join(str(passage["text"]).split())[:160]
            text = f"{without_markup(quote)}."
            found[text] = Sentence(text, int(passage["number"]), 0, quote, topic_stems(quote))
    return list(found.values())


def sentences_about(sentences: Iterable[Sentence], concept: str) -> list[Sentence]:
    """Returns those of `sentences` that share one of `topic_words` with `concept`."""
    wanted = topic_stems(concept)
    return [sentence for sentence in sentences if sentence.stems & wanted]


def topic_stems(text: str) -> frozenset[str]:
    """Returns the stems of `topic_words`."""
    return frozenset(stem(word.casefold()) for word in topic_words(text))


def topic_words(text: str) -> list[str]:
    """Returns the words that a text may be about, in order and as they stand there."""
    return [
        word
        for word in _WORD.findall(text)
        if len(word) >= 3 + word.isascii() and word.casefold() not in STOP_WORDS and not word.endswith("ly")
    ]


def without_markup(text: str) -> str:
    """Returns what somebody else wrote without what would be markup in a lesson."""
    return " ".join(_UNFIT.sub(" ", text).split()).rstrip(".") or "—"


def hashed(text: str) -> int:
    """Returns a number that looks random but is the same for the same text in every process."""
    return int.from_bytes(hashlib.sha256(text.encode(errors="replace")).digest()[:6])


@lru_cache(maxsize=4096)
def _split(text: str) -> tuple[tuple[str, str, frozenset[str]], ...]:
    split = []
    for sentence in prose.sentences(text):
        quote = " ".join(sentence.text.split())
        plain = _ASIDE.sub("", quote).replace("**", "").strip()
        split.append((plain, quote, topic_stems(plain)))
    return tuple(split)


def _stands_alone(sentence: str) -> bool:
    whole = 25 <= len(sentence) <= 240 and sentence[-1] in ".!।۔。" and len(sentence.split()) <= _MOST_WORDS
    return whole and not _LEANING.match(sentence) and not _NOT_PROSE.search(sentence)
