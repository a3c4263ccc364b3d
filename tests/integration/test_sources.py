"""The two libraries of sources pass one suite (the vector store behind the stand-in's API); then what only one can."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest

from src.config import DatabaseSettings, OpenAISettings
from src.devtools.stand_in_sources import StandInSources
from src.domain.errors import ModelAccessDenied, ModelUnavailable, SourcesAway
from src.domain.source import Passage
from src.operations.known_schema import ROOT
from src.services.database.connection import Database
from src.services.database.library_store import Change, Document, NothingToRead
from src.services.model.server import ModelServer
from src.services.sources.library import SourceLibrary
from src.services.sources.search import SourceSearch
from src.services.sources.vector_store import VectorStoreSearch
from tests.sources import LIBRARY, In, add_sources
from tests.sql import Psql
from tests.stand_in import StandIn

T = TypeVar("T")
Ask = Callable[[Callable[[SourceSearch], Coroutine[Any, Any, Any]]], Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in LIBRARY.items():
        path = tmp_path / "library" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "library" / "notes.rst").write_text("membrane membrane membrane")
    return tmp_path / "library"


@pytest.fixture(params=["library", "vector store"])
def ask(
    request: pytest.FixtureRequest, folder: Path, database_settings: DatabaseSettings, database: Database
) -> Iterator[Ask]:
    with ExitStack() as stack:
        if request.param == "library":
            add_sources(database_settings, folder)
            yield lambda question: asyncio.run(question(SourceLibrary(database)))
        else:
            stand_in = stack.enter_context(StandIn(sources=folder))
            yield lambda question: asyncio.run(_of_vector_store(stand_in, question))


async def _of_vector_store(stand_in: StandIn, question: Callable[[SourceSearch], Coroutine[Any, Any, T]]) -> T:
    server = ModelServer(OpenAISettings(base_url=stand_in.base_url))
    try:
        return await question(VectorStoreSearch(server, "vs_test"))
    finally:
        await server.close()


Search = Callable[..., list[Passage]]


@pytest.fixture
def search(ask: Ask) -> Search:
    return lambda query, prefix=None, limit=10: list(ask(lambda sources: sources.search(query, prefix, limit)))


class TestSearch:
    def test_the_best_comes_first(self, search: Search) -> None:
        found = search("membrane of cells")
        assert {passage.document for passage in found[:2]} <= {"biology/cells.md", "biology-old/cells.md"}
        assert [passage.score for passage in found] == sorted((passage.score for passage in found), reverse=True)

    def test_the_filter_is_a_prefix_of_whole_segments(self, search: Search) -> None:
        for prefix in ("biology", "biology/", "/biology"):
            assert {passage.document for passage in search("membrane of cells", prefix)} == {"biology/cells.md"}
        assert {passage.document for passage in search("light", "physics/light.md")} == {"physics/light.md"}

    def test_a_filter_that_matches_nothing_gives_nothing(self, search: Search) -> None:
        for prefix in ("bio", "chemistry/", "Biology/", "biology/cells.md/x", "%", "bio_ogy"):
            assert search("membrane", prefix) == []

    def test_no_more_than_asked_for(self, search: Search) -> None:
        assert len(search("cells membrane light water", limit=2)) == 2

    @pytest.mark.parametrize("query", ["zzz", "of", "", "'; DROP TABLE x; --", "& | ! :* \\ ' <->", "\x01"])
    def test_a_query_that_fits_nothing_gives_nothing(self, search: Search, query: str) -> None:
        assert search(query) == []

    def test_it_names_the_first_segments_of_its_paths(self, ask: Ask) -> None:
        assert ask(lambda sources: sources.prefixes()) == ["biology", "biology-old", "physics"]


@pytest.fixture
def library(database: Database) -> In:
    return In(database)


def test_what_no_row_can_hold_is_left_out_of_the_passages_of_a_vector_store(tmp_path: Path) -> None:
    (tmp_path / "cells.md").write_text("A membrane\0 is the border\x07 of cells.")
    with StandIn(sources=tmp_path) as stand_in:
        (passage,) = asyncio.run(_of_vector_store(stand_in, lambda sources: sources.search("membrane", None, 5)))
    assert passage.text == "A membrane is the border of cells."


class TestLibrary:
    def test_a_passage_says_where_it_stands_in_which_version(self, library: In) -> None:
        text = LIBRARY["biology/cells.md"]
        library.put("biology/cells.md", text)
        (membrane,) = library.search("border membrane")
        assert (membrane.section, membrane.text) == ("Membrane", "The membrane is the border of cells.")
        assert text[membrane.start :] == membrane.text
        assert membrane.version == Document("", "", "", text).sha256

    def test_named_documents_are_used_also_where_no_word_fits_and_the_log_says_so(
        self, library: In, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for path, text in LIBRARY.items():
            library.put(path, text)
        assert [passage.document for passage in library.search("zzz", "physics")] == ["physics/light.md"]
        found = library.search("membrane", "biology", limit=2)
        assert "nothing_fits" in capsys.readouterr().out
        assert found[0].score > 0
        found = library.search("zzz of yyy", "biology", limit=2)
        assert [(passage.section, passage.score) for passage in found] == [("Cells", 0), ("Membrane", 0)]
        said = capsys.readouterr().out
        assert "nothing_fits" in said and "biology" in said and "zzz of yyy" in said
        assert library.search("zzz") == library.search("zzz", "chemistry") == []
        assert capsys.readouterr().out == ""

    def test_what_is_there_already_stays_untouched(self, library: In, psql: Psql) -> None:
        versions = "SELECT xmin, id FROM source_documents UNION ALL SELECT xmin, id FROM source_passages"
        assert library.put("a.md", "# A\n\nCells.") is Change.ADDED
        before = psql.run(versions)
        assert library.put("a.md", "# A\n\nCells.") is Change.UNCHANGED
        assert psql.run(versions) == before

    def test_a_changed_document_has_its_new_passages_only_and_the_same_id(self, library: In, psql: Psql) -> None:
        library.put("a.md", "# A\n\nCells.\n\n# B\n\nLeaves.")
        before = psql.row("SELECT id, added_at FROM source_documents")
        assert library.put("a.md", "# A\n\nCells.\n\n# B\n\nStones.") is Change.CHANGED
        assert psql.row("SELECT id, added_at FROM source_documents") == before
        assert psql.value("SELECT changed_at > added_at FROM source_documents")
        assert library.search("leaves") == []
        assert [passage.section for passage in library.search("stones")] == ["B"]
        assert library.put("a.md", "# A\n\nCells.\n\n# B\n\nStones.", language="de") is Change.CHANGED

    def test_what_is_counted_stays_right_whoever_deletes(self, library: In, psql: Psql) -> None:
        for path, text in LIBRARY.items():
            library.put(path, text)
        library.put("biology/plants.md", "# Plants\n\nOnly leaves.")
        psql.run("DELETE FROM source_documents WHERE path = 'physics/light.md'")
        assert library.run(lambda sources: sources.remove("biology-old/")) == ["biology-old/cells.md"]
        assert library.run(lambda sources: sources.remove("biolog")) == []
        counted = psql.rows("SELECT lexeme, passages FROM source_lexemes WHERE passages <> 0 ORDER BY 1")
        assert counted == psql.rows(
            "SELECT w.lexeme, count(*) AS passages FROM source_passages, unnest(words) w GROUP BY 1 ORDER BY 1"
        )
        assert psql.rows("SELECT prefix, passages FROM source_prefixes ORDER BY 1") == [
            {"prefix": "", "passages": 3},
            {"prefix": "biology", "passages": 3},
            {"prefix": "biology/cells.md", "passages": 2},
            {"prefix": "biology/plants.md", "passages": 1},
        ]

    def test_who_writes_at_once_waits_for_no_one_for_ever(self, library: In, psql: Psql) -> None:
        async def both(sources: SourceLibrary) -> None:
            texts = ["cells leaves roots stones water light membrane", "membrane light water stones roots leaves cells"]
            await asyncio.gather(
                *(sources.put(Document(f"{n % 5}.md", "T", "en", f"{texts[n % 2]} {n}")) for n in range(40)),
                *(sources.remove(f"{n}.md") for n in range(5)),
            )

        library.run(both)
        assert psql.value("SELECT count(*) <= 5 FROM source_documents")

    @pytest.mark.parametrize(
        ("language", "text", "query"),
        [
            ("de", "# Zellen\n\nDie Pflanzen haben feste Zellwände.", "eine Pflanze"),
            ("hi", "# कोशिका\n\nपौधों की कोशिकाओं में भित्ति होती है।", "पौधा कोशिकाएँ"),
            ("ar", "# الخلية\n\nللنباتات جدار خلوي.", "نباتات"),
            ("zh", "# 细胞\n\n植物细胞有细胞壁。", "植物"),
            ("th", "# เซลล์\n\nพืชมีผนังเซลล์", "ผนัง"),
            ("und", "# Seli\n\nMimea ina kuta za seli.", "mimea"),
        ],
    )
    def test_languages(self, library: In, language: str, text: str, query: str) -> None:
        library.put("other/stones.md", "# Stones\n\nThe stones of the fields are grey.")
        library.put("cells.md", text, language)
        assert [passage.document for passage in library.search(query)] == ["cells.md"]
        assert library.search("of the") == library.search("में") == library.search("في") == []

    @pytest.mark.parametrize("text", ["", "# A\n# B\n\n## C\n"])
    def test_a_document_without_text_is_refused(self, library: In, text: str) -> None:
        with pytest.raises(NothingToRead):
            library.put("a.md", text)

    def test_an_empty_library_finds_nothing(self, library: In) -> None:
        assert library.search("cells") == library.search("cells", "biology") == []
        assert library.run(lambda sources: sources.prefixes()) == []

    def test_rare_words_decide_and_common_ones_too_where_the_rare_are_elsewhere(
        self, library: In, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("src.services.database.library_search._CANDIDATES", 1)
        for number in range(30):
            library.put(f"many/{number:02}.md", f"# Number {number}\n\nCells are small. They are alive.")
        library.put("few/osmosis.md", "# Osmosis\n\nWater moves by osmosis.")
        assert [passage.document for passage in library.search("osmosis of cells", limit=1)] == ["few/osmosis.md"]
        found = library.search("osmosis of cells", "many/", limit=3)
        assert [passage.score > 0 for passage in found] == [True] * 3

    def test_a_database_that_is_away_is_told_from_an_empty_library(self) -> None:
        gone = Database(DatabaseSettings(port=1, patience=0.1))
        with pytest.raises(SourcesAway):
            In(gone).search("cells")
        with pytest.raises(SourcesAway):
            In(gone).run(lambda sources: sources.prefixes())
        gone.dispose()


SUBJECTS = [
    ("Ancient Rome", False),
    ("Newton's laws of motion", False),
    ("Cell Biology", True),
    ("Stem cells and how they differ", True),
]


@pytest.mark.parametrize("where", ["library", "stand-in"])
def test_small_words_find_nothing_in_a_library_of_another_subject(
    database: Database, database_settings: DatabaseSettings, where: str
) -> None:
    add_sources(database_settings, ROOT / "samples")
    sources: SourceSearch = SourceLibrary(database) if where == "library" else StandInSources(ROOT / "samples")
    for query, found in SUBJECTS:
        assert bool(asyncio.run(sources.search(query, None, 8))) is found


MICROBIOLOGY = """# Microbiology

The microscope has a long history.

## Types of Microorganisms

Bacteria, archaea and fungi are types of microorganisms. Their discovery was a revolution.

## Epidemics

The World Health Organization counts deaths.

## Infection

Viruses cause disease. In the second week the body answers.

## Yeast

Yeast is used for bread, and for wine by French growers.

## Photosynthesis

Some bacteria live on light.

## Immunity

The war of the body against bacteria is fought by its white cells.
"""


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("World War II", False),
        ("The French Revolution and its history", False),
        ("Causes of the Second World War", False),
        ("The causes and consequences of the Second World War in Europe", False),
        ("Ancient Rome and its world", False),
        ("The French Horn", False),
        ("Photosynthesis Basics", True),
        ("Cell Biology", True),
        ("Stem cells and how they differ", True),
        ("Types of microorganisms", True),
        ("Photosynthesis explained for beginners", True),
        ("Osmosis and diffusion through the membrane, concentration gradients, turgor, plasmolysis, dialysis", True),
    ],
)
def test_a_word_in_passing_is_no_source_and_a_filter_still_has_its_own(
    database: Database, database_settings: DatabaseSettings, query: str, found: bool
) -> None:
    add_sources(database_settings, ROOT / "samples")
    library = In(database)
    library.put("biology/microbiology.md", MICROBIOLOGY)
    assert bool(library.search(query)) is found
    assert library.search(query, "cell-biology") != []
    assert library.search(query, "biology/") != []


class TestStandInSources:
    def test_odd_files_do_no_harm(self, tmp_path: Path) -> None:
        (tmp_path / "empty.md").write_text("")
        (tmp_path / "binary.md").write_bytes(b"\xff\xfe membrane \x00")
        (tmp_path / "folder.md").mkdir()
        (tmp_path / "headings.md").write_text("# A\n# B\n\n## C\n")
        found = asyncio.run(StandInSources(tmp_path).search("membrane", None, 50))
        assert [passage.document for passage in found] == ["binary.md"]


class TestVectorStore:
    """What the API says that the library can't."""

    @pytest.mark.parametrize("server_path", ["/v1", "/nowhere"])
    def test_a_server_that_is_not_there_or_knows_no_such_store(self, stand_in: StandIn, server_path: str) -> None:
        base_url = "http://127.0.0.1:1/v1" if server_path == "/v1" else stand_in.base_url.replace("/v1", "/nowhere")

        seconds = 0.5 if server_path == "/v1" else 20

        async def run() -> None:
            server = ModelServer(OpenAISettings(base_url=base_url, timeout=seconds, deadline=seconds))
            try:
                await VectorStoreSearch(server, "vs_gone").search("q", None, 5)
            finally:
                await server.close()

        with pytest.raises(ModelUnavailable) as caught:
            asyncio.run(run())
        assert isinstance(caught.value, ModelAccessDenied) is (server_path == "/nowhere")
