"""The library of sources in a test's database."""

import asyncio
from pathlib import Path

from src.config import DatabaseSettings
from src.operations.source_import import Imported, files_under, import_files
from src.services.database import Database
from src.services.source_library import SourceLibrary


def add_sources(settings: DatabaseSettings, path: Path, prefix: str = "", language: str = "en") -> Imported:
    """As `sources add` does it."""
    database = Database(settings)
    try:
        return asyncio.run(import_files(SourceLibrary(database), files_under(path), prefix, language))
    finally:
        database.dispose()
