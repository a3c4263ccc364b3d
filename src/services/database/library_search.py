"""One search in the library of sources, inside a transaction: by words, by meaning, or by both."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from src.domain.ranking import asked_weights, deciding_words, fused, least_weight, subject_words, word_weights
from src.domain.source import Passage
from src.domain.text_search import SMALL_WORDS, searchable
from src.services.database.connection import is_about_values
from src.services.database.statements import sql

_log = structlog.get_logger(__name__)

# The passages that a search is meant to rank: each takes some 10 µs for a query of ten words.
_CANDIDATES = 800
# There are more if even the rarest word is common, or is commoner under the prefix than elsewhere: so many are ranked
# at most.
_MOST_CANDIDATES = 2 * _CANDIDATES
# A query may be a whole text: only so many of its words are searched for, the rarest.
_MOST_WORDS = 32
# The passages of each ranking that are merged.
_FUSED = 50
# The largest cosine distance at which a passage is found. With OpenAI's models of 2024 and later, texts that have
# nothing to do with each other are farther apart; with some other models nothing is, and every query finds something.
_FARTHEST = 0.75
# Under a prefix with more passages than this, the index of embeddings is faster than comparing all.
_FEW = 2000


@dataclass(frozen=True, slots=True)
class Meaning:
    """A query as a vector, and the model that made it."""

    model: str
    vector: Sequence[float]


def size(connection: Connection, prefix: str) -> tuple[int, int]:
    """Returns how many passages the library has, and how many of them are under the prefix ("" is all)."""
    row = connection.execute(sql("library_size"), {"prefix": prefix}).one()
    return row.passages, row.allowed


def find(connection: Connection, query: str, prefix: str, limit: int, meaning: Meaning | None) -> list[Passage]:
    """Returns up to `limit` passages, the best first. Under a prefix that has passages, it returns at least one."""
    passages, allowed = size(connection, prefix)
    if not allowed:
        return []
    connection.execute(sql("by_index"))
    ranked = _by_words(connection, query, prefix, passages, allowed, limit if meaning is None else _FUSED)
    if meaning is not None:
        ranked = fused([list(ranked), _by_meaning(connection, meaning, prefix, allowed)])
    if not ranked and prefix:
        # Whoever names the allowed documents wants them used, even if no word of the query occurs in them.
        _log.warning(
            "no passage fits the query: the first ones under the filter are taken",
            action="nothing_fits",
            source_filter=prefix,
            query=query,
        )
        first = connection.execute(sql("first_passages"), {"prefix": prefix, "limit": limit}).scalars()
        ranked = dict.fromkeys(first, 0.0)
    best = list(ranked)[:limit]
    rows = {row.id: row for row in connection.execute(sql("passages_by_id"), {"ids": best})}
    return [
        Passage(row.path, row.section, row.text, ranked[row.id], row.start_offset, row.sha256, row.title)
        for row in (rows[passage_id] for passage_id in best if passage_id in rows)
    ]


def _by_words(
    connection: Connection, query: str, prefix: str, passages: int, allowed: int, limit: int
) -> dict[int, float]:
    query_values = {"query": searchable(query), "small_words": list(SMALL_WORDS)}
    rows = connection.execute(sql("query_words"), query_values).all()
    holding = {row.lexeme: row.passages for row in rows if row.passages}
    if not holding:
        return {}
    weights = dict(list(word_weights(holding, passages).items())[:_MOST_WORDS])
    holding = {word: holding[word] for word in weights}
    lexemes: dict[str, list[str]] = {}
    commonest: dict[str, int] = {}
    for row in rows:
        lexemes.setdefault(row.token, []).append(row.lexeme)
        commonest[row.token] = max(commonest.get(row.token, 0), row.passages)
    asked = asked_weights(commonest, passages)
    values: dict[str, object] = {
        "everywhere": not prefix,
        "prefixes": [prefix],
        "words": list(map(_quoted, weights)),
        "weights": list(weights.values()),
        "asked": [_any(lexemes[token]) for token in asked],
        "asked_weights": list(asked.values()),
        "least_weight": least_weight(asked),
        "subjects": _any(subject_words(holding, passages)),
        "most": _MOST_CANDIDATES,
        "limit": limit,
    }
    # This takes words to be spread evenly over the prefixes. If the rarest turn out to be elsewhere, all words decide.
    deciding = deciding_words(holding, _CANDIDATES * passages / allowed)
    for words in (deciding, list(holding)):
        found = connection.execute(sql("search_words"), {**values, "condition": _any(words)})
        scores = {row.id: row.score for row in found}
        # Without a prefix nothing is elsewhere: passages without the rarest words are farther from what was asked.
        if len(scores) == limit or len(words) == len(holding) or (scores and not prefix):
            break
    return scores


def _by_meaning(connection: Connection, meaning: Meaning, prefix: str, allowed: int) -> list[int]:
    values = {
        "model": meaning.model,
        "everywhere": not prefix,
        "prefixes": [prefix],
        "embedding": vector_text(meaning.vector),
        "dimensions": len(meaning.vector),
        "farthest": _FARTHEST,
        "limit": _FUSED,
    }
    try:
        with connection.begin_nested():
            if allowed <= _FEW:
                return list(connection.execute(sql("search_few_embeddings"), values).scalars())
            connection.execute(sql("search_until_found"))
            return list(connection.execute(sql("search_embeddings"), values).scalars())
    except DBAPIError as error:
        if not is_about_values(error):
            raise
        # Another model server gives vectors of another length under the same name of a model.
        _log.warning("a search goes by words only", action="embedding_failed", error=str(error.orig).strip())
        return []


def vector_text(vector: Sequence[float]) -> str:
    """Returns the vector as pgvector reads it, such as `[0.25,-1.0]`."""
    return f"[{','.join(map(repr, vector))}]"


def _any(lexemes: Sequence[str]) -> str:
    """Returns a tsquery that is true of a passage with any of the lexemes."""
    return " | ".join(map(_quoted, lexemes))


def _quoted(lexeme: str) -> str:
    """Returns the lexeme in the quotes of a tsquery."""
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
