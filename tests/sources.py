"""The library of sources in a test's database."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from src.config import DatabaseSettings, OpenAISettings
from src.domain.source import Passage
from src.operations.source_import import Imported, import_files, sources_under
from src.services.database.connection import Database
from src.services.database.library_store import Change, Document
from src.services.model.server import ModelServer
from src.services.sources.embeddings import Embedder
from src.services.sources.library import SourceLibrary
from tests.stand_in import StandIn

T = TypeVar("T")

LIBRARY = {
    "biology/cells.md": "# Cells\n\nIntro about cells.\n\n## Membrane\n\nThe membrane is the border of cells.",
    "biology/plants.md": "# Plants\n\nLeaves catch light.\n\n" + "Roots drink water from the ground. " * 100,
    "biology-old/cells.md": "# Cells\n\nAn older text about the membrane of cells.",
    "physics/light.md": "# Light\n\nLight travels fast.",
}


def add_sources(settings: DatabaseSettings, path: Path, prefix: str = "", language: str = "en") -> Imported:
    """Adds the files under `path` to the library, as `sources add` does."""
    database = Database(settings)
    try:
        with sources_under(path) as found:
            return asyncio.run(import_files(SourceLibrary(database), found, prefix, language))
    finally:
        database.dispose()


class In:
    """The library of a test's database, asked from outside of an event loop."""

    def __init__(self, database: Database, stand_in: StandIn | None = None) -> None:
        self.database, self._stand_in = database, stand_in

    def put(self, path: str, text: str, language: str = "en") -> Change:
        return self.run(lambda library: library.put(Document(path, "Title", language, text)))[0]

    def search(self, query: str, prefix: str | None = None, limit: int = 8) -> list[Passage]:
        return self.run(lambda library: library.search(query, prefix, limit))

    def embed(self) -> int:
        return self.run(lambda library: library.embed())

    def run(self, work: Callable[[SourceLibrary], Coroutine[Any, Any, T]]) -> T:
        async def run() -> T:
            if self._stand_in is None:
                return await work(SourceLibrary(self.database))
            server = ModelServer(OpenAISettings(base_url=self._stand_in.base_url, timeout=120, deadline=120))
            try:
                return await work(SourceLibrary(self.database, Embedder(server, "stand-in's")))
            finally:
                await server.close()

        return asyncio.run(run())
