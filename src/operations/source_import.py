"""Imports files into the library of sources: chooses them, tells their language, and says what became of each."""

import asyncio
import os
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from sqlalchemy.exc import DBAPIError

from src.domain.errors import OperatorError
from src.domain.language_recognition import language_of
from src.domain.source import DOCUMENT_BYTES, library_path
from src.services.database.connection import is_about_values
from src.services.database.library_store import Change, Document, NothingToRead
from src.services.folders import Folder
from src.services.sources.document_reader import SUFFIXES, UnreadableDocument, read_document
from src.services.sources.library import SourceLibrary


class NothingToImport(OperatorError):
    """There is nothing to import. The text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The files that an operator has named. Their folder stays open, so that they are read in it and nowhere else."""

    folder: Folder
    files: list[tuple[PurePath, str]]
    """Those that can be read, in order: where each lies in the folder, and the path that it is known by."""
    others: list[str] = field(default_factory=list)
    """The paths of those that are left out because of their kind, in order."""


@dataclass(slots=True)
class Imported:
    """What became of the documents of one import."""

    counts: dict[Change, int] = field(default_factory=lambda: dict.fromkeys(Change, 0))
    passages: int = 0
    """The number of passages written, all of added and changed documents."""
    failed: list[str] = field(default_factory=list)
    """One line for each file that couldn't be imported, which says what to do."""


@contextmanager
def sources_under(path: Path) -> Iterator[Sources]:
    """Opens the file, or the folder with the files in it.

    Hidden files are left out, and so are links that lead out of the folder. Raises `NothingToImport` if there is none.
    """
    if not path.exists():
        raise NothingToImport(f"{path}: there is no such file or folder")
    real = path.resolve()
    if not real.is_dir():
        with Folder.opened(real.parent) as folder:
            yield Sources(folder, [(PurePath(real.name), path.name)])
        return
    with Folder.opened(real) as folder:
        found = list(_files(folder))
        files = sorted((place, known.as_posix()) for place, known, readable in found if readable)
        if not files:
            raise NothingToImport(f"{path}: no file in it can be read; those are: {', '.join(sorted(SUFFIXES))}")
        yield Sources(folder, files, sorted(known.as_posix() for _, known, readable in found if not readable))


async def import_files(
    library: SourceLibrary,
    sources: Sources,
    prefix: str = "",
    language: str | None = None,
    on_file: Callable[[], None] = lambda: None,
) -> Imported:
    """Puts each file into the library under `prefix`.

    It goes on if one can't be read, and calls `on_file` after each. `language` is a BCP 47 tag; if it is None, each
    text's language is recognised. Raises `DBAPIError` if the database is away.
    """
    done = Imported()
    for place, known in sources.files:
        file = sources.folder.path / place
        try:
            document = await asyncio.to_thread(_document, sources.folder, place, f"{prefix}/{known}", language)
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


def _files(folder: Folder) -> Iterator[tuple[PurePath, PurePath, bool]]:
    """Yields where each file lies, the path that it is known by, and whether it can be read.

    The two differ if it is a link, which is resolved here and not followed when it is read, as it may be another then.
    """
    waiting = [PurePath()]
    while waiting:
        within = waiting.pop()
        try:
            with folder.below(within) as here:
                entries = [(each.name, each.is_dir(follow_symlinks=False)) for each in here.entries()]
        except OSError:
            continue  # it may not be read, or is another one by now
        for name, is_folder in entries:
            known = within / name
            if name.startswith("."):
                continue
            if is_folder:
                if len(os.fsencode(within)) <= DOCUMENT_BYTES:  # what is deeper could not be kept either
                    waiting.append(known)
                continue
            real = Path(os.path.realpath(folder.path / known))
            if real.is_relative_to(folder.path) and not real.is_dir():
                # Reading from a pipe might never end.
                yield real.relative_to(folder.path), known, real.is_file() and known.suffix.lower() in SUFFIXES


def _document(folder: Folder, place: PurePath, path: str, language: str | None) -> Document:
    path = library_path(path)
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in path):
        raise UnreadableDocument(f"{path!r}: there are signs in its name that can't be kept; rename it")
    if len(path.encode()) > DOCUMENT_BYTES:
        raise UnreadableDocument(f"{path[:80]}…: its path is too long; give its folders shorter names")
    read = read_document(folder, place)
    return Document(path, read.title, language or language_of(read.text), read.text)
