"""Imports files into the library of sources: chooses them, tells their language, and says what became of each."""

import asyncio
import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from src.domain.errors import OperatorError
from src.domain.language_recognition import language_of
from src.domain.source import DOCUMENT_BYTES, library_path
from src.services.database.connection import is_about_values
from src.services.database.library_store import Change, Document, NothingToRead
from src.services.sources.document_reader import SUFFIXES, UnreadableDocument, read_document
from src.services.sources.library import SourceLibrary


class NothingToImport(OperatorError):
    """There is nothing to import. The text says why, and what to do."""


@dataclass(slots=True)
class Imported:
    """What became of the documents of one import."""

    counts: dict[Change, int] = field(default_factory=lambda: dict.fromkeys(Change, 0))
    passages: int = 0
    """The number of passages written, all of added and changed documents."""
    failed: list[str] = field(default_factory=list)
    """One line for each file that couldn't be imported, which says what to do."""


def files_under(path: Path) -> list[tuple[Path, str]]:
    """Returns the file, or the files in the folder that can be read, in order, each with its path inside the folder.

    Hidden files are left out, and so are links that lead out of the folder. Raises `NothingToImport` if there is none.
    """
    if not path.exists():
        raise NothingToImport(f"{path}: there is no such file or folder")
    if not path.is_dir():
        return [(path.resolve(), path.name)]
    # Links are resolved here, where it is seen that they stay inside, and not followed later, when they may be others.
    found = sorted((file.resolve(), file.relative_to(path).as_posix()) for file in _files(path) if _can_be_read(file))
    if not found:
        raise NothingToImport(f"{path}: no file in it can be read; those are: {', '.join(sorted(SUFFIXES))}")
    return found


def other_files_under(path: Path) -> list[str]:
    """Returns the paths of those files in the folder that `files_under` leaves out because of their kind, in order."""
    return sorted(file.relative_to(path).as_posix() for file in _files(path) if not _can_be_read(file))


async def import_files(
    library: SourceLibrary,
    files: Iterable[tuple[Path, str]],
    prefix: str = "",
    language: str | None = None,
    on_file: Callable[[], None] = lambda: None,
) -> Imported:
    """Puts each file (see `files_under`) into the library under `prefix`.

    It goes on if one can't be read, and calls `on_file` after each. `language` is a BCP 47 tag; if it is None, each
    text's language is recognised. Raises `DBAPIError` if the database is away.
    """
    done = Imported()
    for file, inside in files:
        try:
            document = await asyncio.to_thread(_document, file, f"{prefix}/{inside}", language)
            change, passages = await library.put(document)
        except UnreadableDocument as error:
            done.failed.append(str(error))
        except NothingToRead as error:
            done.failed.append(f"{file}: {error}; leave it out")
        except DBAPIError as error:
            if not is_about_values(error):
                raise
            done.failed.append(f"{file}: the database refuses it ({str(error.orig).strip()}); report this")
        else:
            done.counts[change] += 1
            done.passages += 0 if change is Change.UNCHANGED else passages
        on_file()
    return done


def _can_be_read(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES and file.is_file()  # reading from a pipe might never end


def _files(folder: Path) -> Iterator[Path]:
    inside = folder.resolve()
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(parent, name)
            if name.startswith("."):
                continue
            if not path.is_symlink() or path.resolve().is_relative_to(inside):
                yield path


def _document(file: Path, path: str, language: str | None) -> Document:
    path = library_path(path)
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in path):
        raise UnreadableDocument(f"{path!r}: there are signs in its name that can't be kept; rename it")
    if len(path.encode()) > DOCUMENT_BYTES:
        raise UnreadableDocument(f"{path[:80]}…: its path is too long; give its folders shorter names")
    read = read_document(file)
    return Document(path, read.title, language or language_of(read.text), read.text)
