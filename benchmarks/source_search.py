"""Measures how fast documents come into the library of sources, and how fast passages are found in a large one.

    python -m benchmarks.source_search [--documents 1000] [--passages 100000] [--searches 400]

Texts are made of invented words, which are as common as real words are (Zipf's law). Exits with 1 if the import takes a
minute or more, if a search takes 50 ms or more at the 95th percentile, or if the search doesn't use its index for both
prefix and words.
"""

import argparse
import asyncio
import itertools
import random
import statistics
import sys
import time
from pathlib import Path

from sqlalchemy import Connection, text

from src.devtools.local_postgres import LocalPostgres
from src.devtools.local_reaper import Reaper
from src.domain.source import prefixes_of
from src.operations.migrations import upgrade
from src.operations.source_import import import_files, sources_under
from src.services.database import library_search
from src.services.database.connection import Database
from src.services.database.statements import sql
from src.services.sources.library import SourceLibrary

_SECONDS = 60.0
_MILLISECONDS = 50.0
_WORDS = 30_000
_DOCUMENT_CHARACTERS = 2000
_PASSAGES_OF_A_DOCUMENT = 20
_COUNT = (
    "TRUNCATE public.source_lexemes, public.source_prefixes",
    "INSERT INTO public.source_lexemes"
    " SELECT w.lexeme, count(*) FROM public.source_passages, unnest(words) w GROUP BY w.lexeme",
    "INSERT INTO public.source_prefixes"
    " SELECT prefix, count(*) FROM public.source_passages, unnest(prefixes || ''::text) prefix GROUP BY prefix",
)


class Writer:
    """A writer of texts in which the n-th most common word stands 1/n as often as the most common one."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        syllables = [a + b for a in "bcdfghklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "or")]
        words = itertools.islice(
            ("".join(word) for n in (2, 3) for word in itertools.product(syllables, repeat=n)), 10**6
        )
        self.words = self._random.sample(list(words), _WORDS)
        self._weights = list(itertools.accumulate(1 / (rank + 2) for rank in range(_WORDS)))

    def sentences(self, characters: int) -> str:
        """Returns sentences with at least `characters` in all."""
        written: list[str] = []
        while sum(map(len, written)) < characters:
            words = self._random.choices(self.words, cum_weights=self._weights, k=self._random.randint(8, 20))
            written.append(f"{' '.join(words).capitalize()}. ")
        return "".join(written).strip()

    def heading(self) -> str:
        """Returns three words, not of the most common ones."""
        return " ".join(self._random.choices(self.words[50:3000], k=3)).title()

    def document(self, characters: int) -> str:
        """Returns a Markdown document of about `characters`, with a title and sections."""
        written = f"# {self.heading()}\n\n{self.sentences(300)}\n\n"
        while len(written) < characters - 200:
            written += f"## {self.heading()}\n\n{self.sentences(400)}\n\n"
        return written

    def query(self) -> str:
        """Returns a query like a lesson's, which is a title and key concepts: 5 to 12 words from common to rare."""
        number = self._random.randint(5, 12)
        ranks = [int(_WORDS ** self._random.uniform(0.2, 1.0)) - 1 for _ in range(number)]
        return " ".join(self.words[rank] for rank in ranks)

    def prefix(self) -> str:
        """Returns a prefix of one to three segments, under which a good part of the library lies, or a hundredth."""
        path = self.path(0).split("/")
        return "/".join(path[: self._random.randint(1, 3)]) + "/"

    def path(self, number: int) -> str:
        """Returns the path of a document, which is in one of few subjects, each with books and chapters."""
        subject = self._random.choices(range(6), weights=(32, 16, 8, 4, 2, 1))[0]
        return f"subject-{subject}/book-{self._random.randrange(4)}/chapter-{self._random.randrange(10)}/{number}.md"


def main() -> None:
    """Prints the figures and the plan of a search; exits with 1 if anything is too slow or the index isn't used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--searches", type=int, default=400)
    options = parser.parse_args()
    with Reaper() as reaper:
        server = LocalPostgres(reaper.folder / "postgres")
        server.start()
        try:
            server.create_database("learningdb")
            upgrade(server.settings("learningdb"))
            database = Database(server.settings("learningdb"))
            writer = Writer(seed=4)
            slow = _import(database, writer, reaper.folder / "documents", options.documents) >= _SECONDS
            database.run_blocking(lambda connection: _fill(connection, writer, options.passages))
            for prefixed in (True, False):
                slow |= _search(database, writer, options.searches, prefixed) >= _MILLISECONDS
            plan = database.run_blocking(lambda connection: _plan(connection, writer))
            database.dispose()
        finally:
            server.stop("fast")
    print(plan)
    if slow:
        sys.exit("too slow")
    if not ("source_passages_search" in plan and "prefixes @>" in plan and "words @@" in plan):
        sys.exit("the index isn't used")


def _import(database: Database, writer: Writer, folder: Path, number: int) -> float:
    size = 0
    for index in range(number):
        path = folder / writer.path(index)
        path.parent.mkdir(parents=True, exist_ok=True)
        size += path.write_text(writer.document(_DOCUMENT_CHARACTERS))
    started = time.perf_counter()
    with sources_under(folder) as found:
        done = asyncio.run(import_files(SourceLibrary(database), found))
    seconds = time.perf_counter() - started
    if done.failed:
        sys.exit("\n".join(done.failed))
    print(f"import of {number} documents, {size / 1e6:.1f} MB, {done.passages} passages: {seconds:.1f} s")
    return seconds


def _fill(connection: Connection, writer: Writer, passages: int) -> None:
    """Fills the library up to `passages` by its own statements, but makes the index and the counts only at the end."""
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    index = connection.execute(text("SELECT pg_get_indexdef('public.source_passages_search'::regclass)")).scalar_one()
    connection.execute(text("DROP INDEX public.source_passages_search"))
    connection.execute(text("ALTER TABLE public.source_passages DISABLE TRIGGER USER"))
    started, there = time.perf_counter(), library_search.size(connection, "")[0]
    numbered = range(there, passages, _PASSAGES_OF_A_DOCUMENT)
    # Sorted by path, as the passages of a book stand side by side in the table if books are added one by one.
    for path, document in sorted((writer.path(1_000_000 + document), document) for document in numbered):
        version = {"path": path, "title": writer.heading(), "language": "en", "configuration": "english"}
        row = connection.execute(sql("put_document"), {**version, "sha256": "0" * 64, "characters": 1}).one()
        texts = [writer.sentences(1100) for _ in range(min(_PASSAGES_OF_A_DOCUMENT, passages - document))]
        sections = [writer.heading() for _ in texts]
        numbers = list(range(len(texts)))
        values = {
            "document_id": row.id,
            "configuration": "pg_catalog.english",
            "prefixes": prefixes_of(path),
            "title_words": version["title"],
            "positions": numbers,
            "starts": numbers,
            "ends": numbers,
            "texts": texts,
            "sections": sections,
            "section_words": sections,
            "text_words": texts,
        }
        connection.execute(sql("put_passages"), values)
    for statement in (
        index,
        *_COUNT,
        "ALTER TABLE public.source_passages ENABLE TRIGGER USER",
        "ANALYZE public.source_passages",
    ):
        connection.execute(text(statement))
    now = library_search.size(connection, "")[0]
    print(f"filled up to {now} passages in {time.perf_counter() - started:.0f} s")


def _search(database: Database, writer: Writer, number: int, prefixed: bool) -> float:
    """Returns the milliseconds that a search takes at the 95th percentile."""

    async def search() -> list[float]:
        library, taken, found = SourceLibrary(database), [], 0
        for _ in range(number):
            query, prefix = writer.query(), writer.prefix() if prefixed else None
            started = time.perf_counter()
            found += len(await library.search(query, prefix, 8))
            taken.append((time.perf_counter() - started) * 1000)
        where = "under a prefix" if prefixed else "everywhere"
        print(f"{number} searches {where}, {found / number:.1f} passages each:", end=" ")
        return taken

    taken = sorted(asyncio.run(search()))
    slowest = statistics.quantiles(taken, n=20)[-1]
    print(f"median {statistics.median(taken):.1f} ms, 95th percentile {slowest:.1f} ms, slowest {taken[-1]:.1f} ms")
    return slowest


def _plan(connection: Connection, writer: Writer) -> str:
    """Returns the plan of the statement in which a search spends its time."""
    words = writer.query().split()
    values = {
        "everywhere": False,
        "prefixes": [writer.prefix().strip("/")],
        "condition": " | ".join(words),
        "words": words,
        "weights": [1.0 for _ in words],
        "asked": words,
        "asked_weights": [1.0 for _ in words],
        "least_weight": 0.0,
        "subjects": "",
        "most": 800,
        "limit": 8,
    }
    connection.execute(sql("by_index"))
    statement = text(f"EXPLAIN (ANALYZE, COSTS OFF) {sql('search_words')}")
    return "\n".join(connection.execute(statement, values).scalars())


if __name__ == "__main__":
    main()
