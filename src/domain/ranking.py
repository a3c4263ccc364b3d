"""How passages are put in order: what a word of a query weighs, which words decide, and how two orders become one."""

import math
from collections.abc import Mapping, Sequence

# Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods",
# SIGIR 2009: the constant that they found best, for all of their collections.
_FUSION = 60


def word_weights(holding: Mapping[str, int], passages: int) -> dict[str, float]:
    """The inverse document frequency of each word, the rarest first, from the number of passages that hold it.

    As in BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009), never below zero.
    """
    weights = {
        word: math.log(1 + (max(0, passages - count) + 0.5) / (count + 0.5)) for word, count in holding.items() if count
    }
    return dict(sorted(weights.items(), key=lambda pair: (-pair[1], pair[0])))


def asked_weights(holding: Mapping[str, int], passages: int) -> dict[str, float]:
    """What each word that was asked for weighs, the heaviest first, those that occur nowhere included.

    These weigh as much as the rarest of the others can: they are what the library says nothing of.
    """
    return word_weights({word: max(1, count) for word, count in holding.items()}, passages)


def least_weight(weights: Mapping[str, float]) -> float:
    """That much of `asked_weights` has to stand in a passage, or it is on another subject.

    More than half of what was asked: "World War II" doesn't ask for the World Health Organization, nor "French Horn"
    for French wine. Of a long query, which names many things, as much as two rare words.
    """
    return min(1.001 * sum(weights.values()) / 2, 0.999 * 2 * max(weights.values(), default=0.0))


def subject_words(holding: Mapping[str, int], passages: int) -> list[str]:
    """The words that a good part of the library holds: what it is about, or words that say little."""
    return [word for word, count in holding.items() if count >= max(2.0, passages / 4)]


def deciding_words(holding: Mapping[str, int], most: float) -> list[str]:
    """The rarest words which together are held by at most `most` passages; one at least.

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
    """One ranking of several, the best first, by reciprocal rank fusion. Each is of ids, the best first."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, entry in enumerate(ranking, start=1):
            scores[entry] = scores.get(entry, 0.0) + 1 / (_FUSION + rank)
    return dict(sorted(scores.items(), key=lambda pair: (-pair[1], pair[0])))
