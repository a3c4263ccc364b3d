"""The tables of the source library: documents with their passages, and embeddings of these."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy import Connection, Row
from sqlalchemy.exc import ProgrammingError

from src.domain.errors import OperatorError
from src.domain.passage_splitting import Span, split
from src.domain.source import Passage, library_path, prefixes_of
from src.domain.text_search import search_configuration, searchable
from src.services.database.connection import Database
from src.services.database.library_search import Meaning, find, size, vector_text
from src.services.database.statements import sql

_log = structlog.get_logger(__name__)

_MOST_PREFIXES = 20
# The most dimensions that an hnsw index of pgvector can have.
_MOST_INDEXED = 2000
_WRITTEN_AT_ONCE = 500
_REMOVED_AT_ONCE = 50
# Seconds. Writers take turns, and another one's turn may be long.
_WRITING_PATIENCE = 120.0


class Change(StrEnum):
    """What became of a document that was put into the library."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Document:
    """A document that is put into the library."""

    path: str
    title: str
    language: str
    """A language tag (BCP 47)."""
    text: str
    """Markdown."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the text, in hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document that is in the library, without its text."""

    path: str
    title: str
    language: str
    characters: int
    changed_at: datetime
    sha256: str
    passages: int


class NothingToRead(OperatorError):
    """The document has no text to make passages of."""


class LibraryStore:
    """The tables of the library. Each document is written in a transaction of its own, and writers take turns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, query: str, prefix: str, limit: int, meaning: Meaning | None) -> list[Passage]:
        """Returns up to `limit` passages, the best first. Under a prefix that has passages, it returns at least one."""
        return await self._database.run(lambda connection: find(connection, query, prefix, limit, meaning))

    async def passages_under(self, prefix: str) -> int:
        """Returns how many passages there are under a prefix ("" is all)."""
        return await self._database.run(lambda connection: size(connection, prefix)[1])

    async def prefixes(self) -> list[str]:
        """Returns the first segments of the documents' paths, in order; at most 20."""
        values = {"limit": _MOST_PREFIXES}
        return await self._database.run(
            lambda connection: list(connection.execute(sql("source_prefixes"), values).scalars())
        )

    async def put(self, document: Document) -> tuple[Change, int]:
        """Adds a document, or replaces the one of the same path if that is different.

        Returns what it did, and how many passages the document has. Raises `NothingToRead`.
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
        """Removes a document, or all documents under a prefix; returns their paths."""
        removed: list[str] = []

        def work(connection: Connection) -> list[str]:
            connection.execute(sql("lock_library"))
            values = {"prefix": library_path(path_or_prefix), "limit": _REMOVED_AT_ONCE}
            return list(connection.execute(sql("remove_documents"), values).scalars())

        while some := await self._database.run(work, _WRITING_PATIENCE):
            removed += some
        return sorted(removed)

    async def documents(self, prefix: str = "") -> list[StoredDocument]:
        """Returns the documents under a prefix, in the order of their paths."""
        values = {"prefix": library_path(prefix)}
        rows = await self._database.run(
            lambda connection: connection.execute(sql("list_documents"), values).mappings().all()
        )
        return [StoredDocument(**row) for row in rows]

    async def has_embeddings_table(self) -> bool:
        """Returns whether there is a table for embeddings, which needs pgvector."""
        return await self._database.run(lambda connection: connection.execute(sql("embeddings_table")).scalar_one())

    async def has_embeddings(self, model: str) -> bool:
        """Returns whether any passage has an embedding of `model`."""

        def work(connection: Connection) -> bool:
            if not connection.execute(sql("embeddings_table")).scalar_one():
                return False
            return bool(connection.execute(sql("has_embeddings"), {"model": model}).scalar_one())

        return await self._database.run(work)

    async def count_unembedded(self, model: str) -> int:
        """Returns how many passages have no embedding of `model`."""
        return await self._database.run(
            lambda connection: connection.execute(sql("count_unembedded"), {"model": model}).scalar_one()
        )

    async def unembedded(self, model: str, after: int, limit: int) -> Sequence[Row[Any]]:
        """Returns passages (id, section, text) without an embedding of `model`: the next after the id `after`."""
        values = {"model": model, "after": after, "limit": limit}
        return await self._database.run(lambda connection: connection.execute(sql("unembedded_passages"), values).all())

    async def put_embeddings(self, model: str, ids: Sequence[int], vectors: Sequence[Sequence[float]]) -> None:
        """Saves the embeddings of those passages that are still there."""

        def work(connection: Connection) -> None:
            connection.execute(sql("lock_library"))
            embeddings = [vector_text(vector) for vector in vectors]
            connection.execute(sql("put_embeddings"), {"model": model, "ids": ids, "embeddings": embeddings})

        await self._database.run(work, _WRITING_PATIENCE)

    async def index_embeddings(self, model: str, dimensions: int) -> None:
        """Makes the index for the embeddings of `model` if there is none; none can have more than 2,000 dimensions."""
        if dimensions > _MOST_INDEXED:
            return

        def work(connection: Connection) -> None:
            values = {"model": model, "dimensions": dimensions}
            connection.exec_driver_sql(connection.execute(sql("embedding_index"), values).scalar_one())

        try:
            await self._database.run(work)
        except ProgrammingError as error:  # this role doesn't own the table
            _log.warning(
                "embeddings have no index, so that a search goes through all of them",
                action="embeddings_unindexed",
                reason=str(error.orig).strip(),
            )


def _put_passages(
    connection: Connection, document_id: int, configuration: str, document: Document, parts: Sequence[Span]
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
