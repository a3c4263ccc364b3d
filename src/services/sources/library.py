"""The library of sources in PostgreSQL: searched by words, and by meaning too if there are embeddings."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from src.domain.errors import ModelRefused, ModelUnavailable, SourcesAway
from src.domain.model_call import RecordCall
from src.domain.source import Passage, library_path
from src.domain.text import printable
from src.services.database.connection import Database, is_transient
from src.services.database.library_search import Meaning
from src.services.database.library_store import Change, Document, LibraryStore, StoredDocument
from src.services.sources.embeddings import BATCH, Embedder

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class SourceLibrary:
    """The library of sources: a `SourceSearch` over its documents, which can be put in, listed and removed here."""

    def __init__(self, database: Database, embedder: Embedder | None = None) -> None:
        self._store = LibraryStore(database)
        self._embedder = embedder
        self._has_embeddings = False

    async def search(
        self, query: str, source_filter: str | None, limit: int, record: RecordCall | None = None
    ) -> list[Passage]:
        """Searches the library; see `SourceSearch.search`.

        If documents lie under the filter, some passages are always found. Raises `SourcesAway` if the database doesn't
        answer.
        """
        prefix, query = library_path(source_filter or ""), printable(query)
        meaning = await self._meaning(query, prefix, record)
        return await _asked(self._store.find(query, prefix, limit, meaning))

    async def prefixes(self) -> list[str]:
        """Lists the first segments of the library's paths; see `SourceSearch.prefixes`."""
        return await _asked(self._store.prefixes())

    async def put(self, document: Document) -> tuple[Change, int]:
        """Puts a document into the library; see `LibraryStore.put`."""
        return await self._store.put(document)

    async def remove(self, path_or_prefix: str) -> list[str]:
        """Removes documents; see `LibraryStore.remove`."""
        return await self._store.remove(path_or_prefix)

    async def documents(self, prefix: str = "") -> list[StoredDocument]:
        """Lists the documents under a prefix; see `LibraryStore.documents`."""
        return await self._store.documents(prefix)

    async def can_embed(self) -> bool:
        """Returns whether there is a model for embeddings, and a table to keep them in."""
        return self._embedder is not None and await self._store.has_embeddings_table()

    async def unembedded(self) -> int:
        """Returns how many passages have no embedding by the model."""
        return await self._store.count_unembedded(self._model)

    async def embed(self, on_done: Callable[[int], None] = lambda number: None) -> int:
        """Embeds the passages that have no embedding by the model; returns how many they were.

        Each batch is kept as it comes, so that an interrupted run goes on from there; `on_done` is told how many
        passages it held. Raises as `ModelConnection.call` does.
        """
        after = number = 0
        assert self._embedder is not None
        while True:
            rows = await self._store.unembedded(self._model, after, BATCH)
            if not rows:
                return number
            vectors = await self._embedder.embed([f"{row.section}\n\n{row.text}".strip() for row in rows])
            if number == 0:
                await self._store.index_embeddings(self._model, len(vectors[0]))
            await self._store.put_embeddings(self._model, [row.id for row in rows], vectors)
            after, number = rows[-1].id, number + len(rows)
            on_done(len(rows))

    @property
    def _model(self) -> str:
        assert self._embedder is not None
        return self._embedder.model

    async def _meaning(self, query: str, prefix: str, record: RecordCall | None) -> Meaning | None:
        """Returns the query as a vector, if there is anything to compare it with."""
        if self._embedder is None:
            return None
        if not self._has_embeddings:
            self._has_embeddings = await _asked(self._store.has_embeddings(self._model))
        if not self._has_embeddings or not await _asked(self._store.passages_under(prefix)):
            return None
        try:
            return Meaning(self._model, await self._embedder.embed_query(query, record))
        except (ModelUnavailable, ModelRefused) as error:
            # A search by words finds nearly as much, and a course shouldn't wait for the rest.
            _log.warning("a search goes by words only", action="embedding_failed", error=str(error))
            return None


async def _asked(answer: Awaitable[T]) -> T:
    try:
        return await answer
    except SQLAlchemyError as error:
        if is_transient(error):
            said = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
            raise SourcesAway(f"the library of sources can't be searched: {said}") from error
        raise
