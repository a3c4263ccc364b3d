"""`python app.py sources …`: the commands by which an operator keeps the library of sources."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from src.config import OpenAISettings, Settings
from src.domain.errors import CourseError, SourcesAway
from src.domain.text import printable, shown
from src.operations.terminal import fail, say

if TYPE_CHECKING:
    from src.services.sources.embeddings import Embedder
    from src.services.sources.library import SourceLibrary

T = TypeVar("T")

sources = typer.Typer(help="The library of sources in the database of the environment.", no_args_is_help=True)

# The columns of output that goes to no terminal.
_WIDE = 200
# How many of the files that are left out are named.
_NAMED = 5
# How much of a passage is shown.
_SHOWN_CHARACTERS = 200
_BCP_47 = r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*"


@sources.command("add")
def add(
    path: Annotated[Path, typer.Argument(help="A file, or a folder with all that is in it")],
    prefix: Annotated[str, typer.Option(help="What goes before the paths, such as microbiology/")] = "",
    language: Annotated[str | None, typer.Option(help="BCP 47 tag, such as de; recognised if left out")] = None,
) -> None:
    """Add Markdown, text, HTML, DOCX and PDF files, or update those that have changed.

    A document that hasn't changed stays as it is. One that is no longer in the folder stays too: `sources remove` takes
    it out. Files of other kinds are left out, and named at the end.
    """
    # Imported here, as these and their libraries take as long to load as the worker itself.
    from src.operations.source_import import Imported, NothingToImport, import_files, sources_under
    from src.services.database.library_store import Change

    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns of much in files that it can read
    settings = Settings()
    if language is not None and not re.fullmatch(_BCP_47, language):
        fail(f"--language {language}: give a BCP 47 tag, such as de or pt-BR")
    if _leads_elsewhere(prefix):
        fail(f"--prefix {prefix}: give a place in the library, such as microbiology/, without / before it, . or ..")

    async def work(library: "SourceLibrary") -> tuple[Imported, list[str], str | None]:
        with sources_under(path) as found, _progress("Documents", len(found.files)) as step:
            done = await import_files(library, found, prefix, language, on_file=lambda: step(1))
        return done, found.others, await _embed(settings, library)

    try:
        done, others, trouble = _with_library(settings, work)
    except NothingToImport as error:
        fail(str(error))
    say(*done.failed, err=True)
    if others:
        named = ", ".join(others[:_NAMED]) + (", …" if len(others) > _NAMED else "")
        say(f"Left out, as they are of other kinds: {len(others)} ({named})", err=True)
    if trouble is not None:
        say(trouble, err=True)
    counts = ", ".join(f"{done.counts[change]} {change.value}" for change in Change)
    say(f"{counts}, {len(done.failed)} failed; {done.passages} passages written")
    if done.failed or trouble is not None:
        raise typer.Exit(1)


@sources.command("list")
def list_sources(
    prefix: Annotated[str, typer.Argument(help="Show only what is under it, by whole segments")] = "",
) -> None:
    """Show the documents of the library."""
    from rich.console import Console
    from rich.table import Table

    documents = _with_library(Settings(), lambda library: library.documents(prefix))
    if not documents:
        if prefix:
            fail(f"Nothing is under '{prefix}': `sources list` shows what there is")
        say("The library is empty: fill it with `sources add PATH`")
        return
    table = Table("path", "language", "passages", "characters", "changed", box=None, pad_edge=False)
    for column in table.columns[2:4]:
        column.justify = "right"
    table.columns[0].overflow = "fold"
    for document in documents:
        counts = f"{document.passages}", f"{document.characters}"
        changed = f"{document.changed_at:%Y-%m-%d %H:%M}"
        table.add_row(shown(document.path), shown(document.language), *counts, changed)
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = _WIDE
    console.print(table)


@sources.command("search")
def search(
    query: Annotated[str, typer.Argument(help="Words that a lesson would look for")],
    source_filter: Annotated[
        str | None, typer.Option("--filter", help="A prefix, as a request's source_filter")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=50)] = 8,
) -> None:
    """Show the passages that a lesson would be written from, the best first."""
    if not any(map(str.isalnum, query)):
        fail(f"There is no word in '{query}': give some that a lesson would be about")
    found = _with_library(Settings(), lambda library: library.search(query, source_filter, limit))
    lines = [] if found else ["Nothing was found."]
    for passage in found:
        place = f"{passage.document} › {passage.section}" if passage.section else passage.document
        lines.append(f"{passage.score:.3f}  {place}  [{passage.start}:{passage.start + len(passage.text)}]")
        lines.append(f"    {printable(' '.join(passage.text.split()), _SHOWN_CHARACTERS)}")
    say(*lines)


@sources.command("remove")
def remove(
    path_or_prefix: Annotated[str, typer.Argument(help="A document's path, or a prefix by whole segments")],
) -> None:
    """Take out a document, or all that are under a prefix."""
    removed = _with_library(Settings(), lambda library: library.remove(path_or_prefix))
    if not removed:
        fail(f"Nothing is under '{path_or_prefix}': `sources list` shows what there is")
    say(f"{len(removed)} removed")


def _leads_elsewhere(prefix: str) -> bool:
    """Returns whether a prefix is written as a place on a disk, of Windows too, and not in the library."""
    parts = prefix.replace("\\", "/").split("/")
    return bool(PureWindowsPath(prefix).anchor) or not {".", ".."}.isdisjoint(parts)


def _with_library(settings: Settings, work: Callable[["SourceLibrary"], Awaitable[T]]) -> T:
    """Runs `work` with the library that a worker with these settings has; returns what it returns."""
    # Imported here, as they take longer to load than `--help` may take.
    from src.services.database.connection import Database
    from src.services.sources.library import SourceLibrary

    if settings.openai.vector_store_id is not None:
        say("VECTOR_DB_ID is set: workers with this setting search there, and not in this library", err=True)

    async def run() -> T:
        database = Database(settings.database, "course-generator-sources")
        try:
            async with _embedder(settings.openai) as embedder:
                return await work(SourceLibrary(database, embedder))
        finally:
            database.dispose()

    try:
        return asyncio.run(run())
    except SourcesAway as error:
        raise error.__cause__ or error from None  # the database's error, as the other commands tell it


@asynccontextmanager
async def _embedder(config: OpenAISettings) -> AsyncIterator["Embedder | None"]:
    if config.embedding_model is None or not config.configured:
        yield None
        return
    # Imported here, as the model's client takes as long to load as all the rest, and most commands need none.
    from src.services.model.server import ModelServer
    from src.services.sources.embeddings import Embedder

    server = ModelServer(config)
    try:
        yield Embedder(server, config.embedding_model)
    finally:
        await server.close()


async def _embed(settings: Settings, library: "SourceLibrary") -> str | None:
    """Embeds the passages that have no embedding, if embeddings are wanted; returns what went wrong, or None."""
    if settings.openai.embedding_model is None:
        return None
    if not settings.openai.configured:
        return "OPENAI_EMBEDDING_MODEL is set, but no server: set OPENAI_API_KEY or OPENAI_BASE_URL, and add again"
    if not await library.can_embed():
        say(
            "OPENAI_EMBEDDING_MODEL is set, but the database has no pgvector: sources are found by words only. Install"
            " it, then run schema.sql again",
            err=True,
        )
        return None
    try:
        with _progress("Embeddings", await library.unembedded()) as step:
            await library.embed(step)
    except CourseError as error:
        return f"Not all passages could be embedded ({error}); they are found by words. Add again to go on"
    return None


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Shows a progress bar on a terminal, and nothing elsewhere. Yields a function that adds to what is done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda number: progress.advance(task, number)
