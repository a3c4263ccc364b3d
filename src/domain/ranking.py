"""The ranking of passages: what a word of a query weighs, which words decide, and how two rankings become one."""

import math
from collections.abc import Mapping, Sequence

# The constant that Cormack, Clarke and Buettcher found best for all of their collections: "Reciprocal Rank Fusion
# outperforms Condorcet and individual Rank Learning Methods", SIGIR 2009.
_FUSION = 60


def word_weights(holding: Mapping[str, int], passages: int) -> dict[str, float]:
    """Returns the inverse document frequency of each word, the rarest word first.

    `holding`: the number of passages that hold each word, of `passages` in all; words that none holds are left out. The
    formula is that of BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009), in the form that is
    never below zero.
    """
    weights = {
        word: math.log(1 + (max(0, passages - count) + 0.5) / (count + 0.5)) for word, count in holding.items() if count
    }
    return dict(sorted(weights.items(), key=lambda pair: (-pair[1], pair[0])))


def asked_weights(holding: Mapping[str, int], passages: int) -> dict[str, float]:
    """Returns what each word of a query weighs, the heaviest first; words that no passage holds are included.

    They weigh as much as a word that a single passage holds: they name what the library says nothing about.
    """
    return word_weights({word: max(1, count) for word, count in holding.items()}, passages)


def least_weight(weights: Mapping[str, float]) -> float:
    """Returns how much of `asked_weights` a passage must hold, or it is on another subject.

    This is more than half of what was asked: "World War II" doesn't ask for the World Health Organization, nor "French
    Horn" for French wine. A long query names many things, so that as much as two rare words is enough.
    """
    return min(1.001 * sum(weights.values()) / 2, 0.999 * 2 * max(weights.values(), default=0.0))


def subject_words(holding: Mapping[str, int], passages: int) -> list[str]:
    """Returns the words that a quarter of the passages hold: they name the library's subject, or say little."""
    return [word for word, count in holding.items() if count >= max(2.0, passages / 4)]


def deciding_words(holding: Mapping[str, int], most: float) -> list[str]:
    """Returns the rarest words that together are held by at most `most` passages; at least one word, if any is held.

    A passage that holds none of them lacks what weighs most in the query, so only those that hold one are ranked.
    """
    decide: list[str] = []
    total = 0
    for word in sorted(holding, key=lambda word: (holding[word], word)):
        total += holding[word]
        if decide and total > most:
            break
        if holding[word]:
            decide.append(word)
    return decide


def fused(rankings: Sequence[Sequence[int]]) -> dict[int, float]:
    """Returns one ranking made of several by reciprocal rank fusion: ids with their scores, the best first.

    Each ranking is a sequence of ids, the best first.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, entry in enumerate(ranking, start=1):
            scores[entry] = scores.get(entry, 0.0) + 1 / (_FUSION + rank)
    return dict(sorted(scores.items(), key=lambda pair: (-pair[1], pair[0])))
