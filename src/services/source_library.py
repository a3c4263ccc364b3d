"""The library of sources in PostgreSQL: searched by words, and by meaning too where there are embeddings."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Row
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from src.domain.course import RecordCall
from src.domain.errors import ModelRefused, ModelUnavailable, SourcesAway
from src.domain.passages import Part, split
from src.domain.search_words import search_configuration, searchable
from src.domain.source import Passage, library_path, prefixes_of
from src.domain.text import printable
from src.services.database import Database, is_transient, sql
from src.services.embeddings import BATCH, Embedder
from src.services.passage_search import Meaning, find, size, vector_text

T = TypeVar("T")

_log = structlog.get_logger(__name__)

_MOST_PREFIXES = 20
# More dimensions an hnsw index can't have.
_MOST_INDEXED = 2000
_WRITTEN_AT_ONCE = 500
_REMOVED_AT_ONCE = 50
# A long import of somebody else's goes first.
_WRITING_PATIENCE = 120.0


class Change(StrEnum):
    """What became of a document that was put into the library."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Document:
    """What is put into the library."""

    path: str
    title: str
    language: str
    """BCP 47."""
    text: str
    """Markdown."""

    @property
    def sha256(self) -> str:
        """Of the text, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """What is in the library, without its text."""

    path: str
    title: str
    language: str
    characters: int
    changed_at: datetime
    sha256: str
    passages: int


class NothingToRead(ValueError):
    """A document without a single passage."""


class SourceLibrary:
    """A `SourceSearch`, and how documents come into it and go. Each write is one transaction per document."""

    def __init__(self, database: Database, embedder: Embedder | None = None) -> None:
        self._database = database
        self._embedder = embedder
        self._has_embeddings = False

    async def search(
        self, query: str, source_filter: str | None, limit: int, record: RecordCall | None = None
    ) -> list[Passage]:
        """See `SourceSearch.search`. With a filter that lets documents through, never empty.

        Raises `SourcesAway` where the database doesn't answer.
        """
        prefix, query = library_path(source_filter or ""), printable(query)
        meaning = await self._meaning(query, prefix, record)
        return await self._asked(lambda connection: find(connection, query, prefix, limit, meaning))

    async def prefixes(self) -> list[str]:
        """See `SourceSearch.prefixes`."""
        return await self._asked(
            lambda connection: list(connection.execute(sql("source_prefixes"), {"limit": _MOST_PREFIXES}).scalars())
        )

    async def put(self, document: Document) -> tuple[Change, int]:
        """Adds a document, or replaces the one of the same path; one that is there already stays as it is.

        Returns with it how many passages it has. Raises `NothingToRead`.
        """
        parts = list(split(document.text))
        if not parts:
            raise NothingToRead("there is no text in it but headings" if document.text.strip() else "it is empty")
        version = {
            "path": document.path,
            "title": document.title,
            "language": document.language,
            "sha256": document.sha256,
        }

        def work(connection: Connection) -> Change:
            if connection.execute(sql("find_document"), version).scalar_one():
                return Change.UNCHANGED
            connection.execute(sql("lock_library"))
            if connection.execute(sql("find_document"), version).scalar_one():
                return Change.UNCHANGED  # somebody else put it there meanwhile
            values = {"configuration": search_configuration(document.language), "characters": len(document.text)}
            row = connection.execute(sql("put_document"), {**version, **values}).one()
            if not row.added:
                connection.execute(sql("delete_passages"), {"document_id": row.id})
            _put_passages(connection, row.id, row.configuration, document, parts)
            return Change.ADDED if row.added else Change.CHANGED

        return await self._database.run(work, _WRITING_PATIENCE), len(parts)

    async def remove(self, path_or_prefix: str) -> list[str]:
        """Removes a document, or all of them under a prefix; returns their paths."""
        removed: list[str] = []

        def work(connection: Connection) -> list[str]:
            connection.execute(sql("lock_library"))
            values = {"prefix": library_path(path_or_prefix), "limit": _REMOVED_AT_ONCE}
            return list(connection.execute(sql("remove_documents"), values).scalars())

        while some := await self._database.run(work, _WRITING_PATIENCE):
            removed += some
        return sorted(removed)

    async def documents(self, prefix: str = "") -> list[StoredDocument]:
        """What is there under a prefix, by path."""
        values = {"prefix": library_path(prefix)}
        rows = await self._database.run(
            lambda connection: connection.execute(sql("list_documents"), values).mappings().all()
        )
        return [StoredDocument(**row) for row in rows]

    async def can_embed(self) -> bool:
        """Whether there is a model for it, and a table."""
        if self._embedder is None:
            return False
        return await self._database.run(lambda connection: connection.execute(sql("embeddings_table")).scalar_one())

    async def unembedded(self) -> int:
        """How many passages have no embedding of the model."""
        values = {"model": self._model}
        return await self._database.run(
            lambda connection: connection.execute(sql("count_unembedded"), values).scalar_one()
        )

    async def embed(self, on_done: Callable[[int], None] = lambda number: None) -> int:
        """Embeds the passages that have no embedding of the model; returns how many. Raises as `ModelServer.call` does.

        Each batch is kept as it comes, and `on_done` told how many it held: what is interrupted goes on from there.
        """
        after = number = 0
        assert self._embedder is not None
        while True:
            rows = await self._unembedded_after(after)
            if not rows:
                return number
            vectors = await self._embedder.embed([f"{row.section}\n\n{row.text}".strip() for row in rows])
            await self._keep([row.id for row in rows], vectors, first=number == 0)
            after, number = rows[-1].id, number + len(rows)
            on_done(len(rows))

    async def _unembedded_after(self, passage_id: int) -> Sequence[Row[Any]]:
        values = {"model": self._model, "after": passage_id, "limit": BATCH}
        return await self._database.run(lambda connection: connection.execute(sql("unembedded_passages"), values).all())

    @property
    def _model(self) -> str:
        assert self._embedder is not None
        return self._embedder.model

    async def _keep(self, ids: Sequence[int], vectors: Sequence[Sequence[float]], first: bool) -> None:
        def work(connection: Connection) -> None:
            connection.execute(sql("lock_library"))
            embeddings = [vector_text(vector) for vector in vectors]
            connection.execute(sql("put_embeddings"), {"model": self._model, "ids": ids, "embeddings": embeddings})

        if first:
            await self._index(len(vectors[0]))
        await self._database.run(work, _WRITING_PATIENCE)

    async def _index(self, dimensions: int) -> None:
        if dimensions > _MOST_INDEXED:
            return

        def work(connection: Connection) -> None:
            values = {"model": self._model, "dimensions": dimensions}
            connection.exec_driver_sql(connection.execute(sql("embedding_index"), values).scalar_one())

        try:
            await self._database.run(work)
        except ProgrammingError as error:  # this role doesn't own the table
            _log.warning(
                "embeddings have no index, so that a search goes through all of them",
                action="embeddings_unindexed",
                reason=str(error.orig).strip(),
            )

    async def _meaning(self, query: str, prefix: str, record: RecordCall | None) -> Meaning | None:
        """The query as a vector, where there is anything to compare it with."""
        if self._embedder is None:
            return None
        if not self._has_embeddings:
            self._has_embeddings = await self._asked(self._looks_for_embeddings)
        if not self._has_embeddings or not (await self._asked(lambda connection: size(connection, prefix)))[1]:
            return None
        try:
            return Meaning(self._model, await self._embedder.embed_query(query, record))
        except (ModelUnavailable, ModelRefused) as error:
            # Words find nearly as much, and a course shouldn't wait for the rest.
            _log.warning("a search goes by words only", action="embedding_failed", error=str(error))
            return None

    def _looks_for_embeddings(self, connection: Connection) -> bool:
        if not connection.execute(sql("embeddings_table")).scalar_one():
            return False
        return bool(connection.execute(sql("has_embeddings"), {"model": self._model}).scalar_one())

    async def _asked(self, work: Callable[[Connection], T]) -> T:
        try:
            return await self._database.run(work)
        except SQLAlchemyError as error:
            if is_transient(error):
                said = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
                raise SourcesAway(f"the library of sources can't be searched: {said}") from error
            raise


def _put_passages(
    connection: Connection, document_id: int, configuration: str, document: Document, parts: Sequence[Part]
) -> None:
    shared = {
        "document_id": document_id,
        "configuration": f"pg_catalog.{configuration}",
        "prefixes": prefixes_of(document.path),
        "title_words": searchable(document.title),
    }
    for first in range(0, len(parts), _WRITTEN_AT_ONCE):
        some = parts[first : first + _WRITTEN_AT_ONCE]
        texts = [document.text[part.start : part.end] for part in some]
        values = {
            "positions": list(range(first, first + len(some))),
            "sections": [part.section for part in some],
            "starts": [part.start for part in some],
            "ends": [part.end for part in some],
            "texts": texts,
            "section_words": [searchable(part.section) for part in some],
            "text_words": list(map(searchable, texts)),
        }
        connection.execute(sql("put_passages"), {**shared, **values})
