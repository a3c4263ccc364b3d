"""The two libraries of sources pass one suite (the vector store behind the stand-in's API); then what only one can."""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import pytest

from src.config import DatabaseSettings, OpenAISettings
from src.domain.course import ModelCall
from src.domain.errors import ModelAccessDenied, ModelUnavailable, SourcesAway
from src.domain.source import Passage
from src.operations.migrations import ROOT
from src.operations.stand_in_sources import StandInSources
from src.services import model_server
from src.services.database import Database
from src.services.embeddings import Embedder
from src.services.model_server import ModelServer
from src.services.source_library import Change, Document, NothingToRead, SourceLibrary
from src.services.source_search import SourceSearch
from src.services.vector_store import VectorStoreSearch
from tests.sources import add_sources
from tests.sql import Psql
from tests.stand_in import StandIn

T = TypeVar("T")
Ask = Callable[[Callable[[SourceSearch], Coroutine[Any, Any, Any]]], Any]

LIBRARY = {
    "biology/cells.md": "# Cells\n\nIntro about cells.\n\n## Membrane\n\nThe membrane is the border of cells.",
    "biology/plants.md": "# Plants\n\nLeaves catch light.\n\n" + "Roots drink water from the ground. " * 100,
    "biology-old/cells.md": "# Cells\n\nAn older text about the membrane of cells.",
    "physics/light.md": "# Light\n\nLight travels fast.",
}


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
    server = ModelServer(OpenAISettings(base_url=stand_in.base_url, timeout=5, deadline=5))
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
            server = ModelServer(OpenAISettings(base_url=self._stand_in.base_url, timeout=2, deadline=2))
            try:
                return await work(SourceLibrary(self.database, Embedder(server, "stand-in's")))
            finally:
                await server.close()

        return asyncio.run(run())


@pytest.fixture
def library(database: Database) -> In:
    return In(database)


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
        monkeypatch.setattr("src.services.passage_search._CANDIDATES", 1)
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


def embeddings(*vectors: object) -> str:
    entries = [{"object": "embedding", "index": n, "embedding": vector} for n, vector in enumerate(vectors)]
    return json.dumps({"object": "list", "model": "m", "data": entries})


WRONG_ANSWERS = [
    '"<html>Sign in</html>"',
    "<html>Sign in</html>",
    '{"data": null}',
    '{"data": {"embedding": [1]}}',
    '{"data": [null]}',
    '{"data": ["x"]}',
    '{"error": "busy"}',
    "[]",
    "null",
    embeddings(),
    embeddings([1.0], [1.0]),
    embeddings(None),
    embeddings([]),
    embeddings("not base64"),
    embeddings(["1"]),
    embeddings([True, None]),
    embeddings({"a": 1}),
    embeddings([1.0]).replace("1.0", "NaN"),
]


@contextmanager
def always(answer: str) -> Iterator[str]:
    """The address of a server that says 200 and `answer` to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "text/html" if answer.startswith("<") else "application/json")
            self.send_header("Content-Length", str(len(answer.encode())))
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class TestMeaning:
    """Embeddings, made by the stand-in: texts that share words are near each other."""

    @pytest.fixture
    def embedding(self, database: Database, stand_in: StandIn) -> In:
        return In(database, stand_in)

    def test_both_rankings_count(self, embedding: In, stand_in: StandIn, psql: Psql) -> None:
        for path, text in LIBRARY.items():
            embedding.put(path, text)
        passages = psql.value("SELECT count(*) FROM source_passages")
        assert embedding.embed() == passages
        assert embedding.embed() == 0
        found = embedding.search("membrane of cells", limit=3)
        assert found[0].document in ("biology/cells.md", "biology-old/cells.md")
        assert found[0].score > 1.9 / 61  # near the top of both
        assert embedding.search("zzz") == []
        assert {p.document for p in embedding.search("membrane", "physics")} == {"physics/light.md"}
        stats = stand_in.stats()
        assert stats["calls"] == 0 and stats["by_step"]["embeddings"] == 4

    def test_what_has_no_embedding_is_found_by_words(self, embedding: In, library: In) -> None:
        embedding.put("a.md", "# A\n\nCells are small.")
        embedding.embed()
        embedding.put("b.md", "# B\n\nOsmosis moves water.")
        assert embedding.search("osmosis")[0].document == "b.md"
        embedding.put("a.md", "# A\n\nOsmosis is slow.")  # its old embedding went with the old passage
        assert embedding.embed() == 2
        assert library.search("osmosis", limit=2) != []

    def test_the_index_of_a_model_serves_its_searches(self, embedding: In, psql: Psql) -> None:
        embedding.put("a.md", "# A\n\nCells are small.")
        embedding.embed()
        (index,) = psql.rows("SELECT indexdef FROM pg_indexes WHERE indexname ~ '^source_embeddings_[0-9a-f]{12}$'")
        assert "USING hnsw" in index["indexdef"] and "stand-in''s" in index["indexdef"]
        vector = psql.value("SELECT embedding::text AS e FROM source_embeddings")
        plan = psql.run(
            "SET enable_seqscan = off; SET enable_sort = off; EXPLAIN SELECT passage_id FROM source_embeddings"
            f" WHERE model = 'stand-in''s' ORDER BY embedding::vector(256) <=> '{vector}'::vector(256) LIMIT 3"
        )
        assert "Index Scan using source_embeddings_" in plan
        assert embedding.search("cells")[0].document == "a.md"

    def test_under_a_prefix_of_many_passages_too(self, embedding: In, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("src.services.passage_search._FEW", 0)
        for path, text in LIBRARY.items():
            embedding.put(path, text)
        embedding.embed()
        assert {p.document for p in embedding.search("light", "biology")} == {"biology/plants.md"}

    def test_a_model_that_is_away_leaves_the_words(self, embedding: In, stand_in: StandIn) -> None:
        embedding.put("a.md", "# A\n\nCells are small.")
        embedding.embed()
        stand_in.fault("401", times=None)
        assert [passage.document for passage in embedding.search("cells")] == ["a.md"]
        with pytest.raises(ModelAccessDenied):
            embedding.put("b.md", "# B\n\nMore.")
            embedding.embed()

    @pytest.mark.parametrize("kind", ["timeout", "429", "500"])
    def test_a_query_is_embedded_once_and_without_braking_the_courses(
        self, embedding: In, stand_in: StandIn, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(model_server, "_MOST_FOR_ONE_TRY", 0.3)
        embedding.put("a.md", "# A\n\nCells are small.")
        embedding.embed()
        before = stand_in.calls["embeddings"]
        stand_in.fault(kind, times=None)

        async def search() -> tuple[list[Passage], float, int]:
            server = ModelServer(OpenAISettings(base_url=stand_in.base_url, timeout=60, deadline=60))
            try:
                async with asyncio.timeout(5):
                    library = SourceLibrary(embedding.database, Embedder(server, "stand-in's"))
                    found = await library.search("cells", None, 8)
                return found, server.brake.paused_for, server.brake.limit
            finally:
                await server.close()

        found, paused_for, limit = asyncio.run(search())
        assert [passage.document for passage in found] == ["a.md"]
        assert (paused_for, limit) == (0, OpenAISettings().max_concurrent)
        assert stand_in.calls["embeddings"] == before + 1

    @pytest.mark.parametrize(
        ("answer", "outcome", "counts"),
        [
            (embeddings([1.0]), "ok", True),
            (embeddings([1.0], [1.0]), "error: Mode", True),
            (None, "error: Mode", False),
        ],
    )
    def test_a_call_is_on_record_whatever_comes_of_it(
        self, stand_in: StandIn, answer: str | None, outcome: str, counts: bool
    ) -> None:
        """Also where the server counts no tokens."""
        stand_in.fault("401", times=None)
        with ExitStack() as stack:
            base_url = stand_in.base_url if answer is None else stack.enter_context(always(answer))
            calls: list[ModelCall] = []

            async def ask() -> None:
                server = ModelServer(OpenAISettings(base_url=base_url, timeout=2, deadline=2))
                try:
                    await Embedder(server, "m").embed_query("cells of plants", calls.append)
                except ModelUnavailable:
                    pass
                finally:
                    await server.close()

            asyncio.run(ask())
        (call,) = calls
        assert (call.purpose, call.model, call.input_tokens, call.cost) == ("search", "m", 0, None)
        assert call.outcome.startswith(outcome) and (call.budget_tokens > 0) is counts

    @pytest.mark.parametrize("answer", WRONG_ANSWERS)
    def test_an_answer_of_another_shape_leaves_the_words(
        self, embedding: In, answer: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        embedding.put("a.md", "# A\n\nCells are small.")
        embedding.embed()
        with always(answer) as base_url:

            async def ask() -> list[Passage]:
                server = ModelServer(OpenAISettings(base_url=base_url, timeout=2, deadline=2))
                embedder = Embedder(server, "stand-in's")
                try:
                    with pytest.raises(ModelUnavailable, match="embedding"):
                        await embedder.embed(["Cells are small."])
                    return await SourceLibrary(embedding.database, embedder).search("cells", None, 8)
                finally:
                    await server.close()

            assert [passage.document for passage in asyncio.run(ask())] == ["a.md"]
        assert "embedding_failed" in capsys.readouterr().out

    def test_vectors_of_another_length_leave_the_words(self, embedding: In, psql: Psql) -> None:
        embedding.put("a.md", "# A\n\nCells are small.")
        embedding.embed()
        psql.run("DROP INDEX " + psql.value("SELECT indexname FROM pg_indexes WHERE indexname ~ 'embeddings_[0-9a-f]'"))
        psql.run("UPDATE source_embeddings SET embedding = '[1, 2]'")
        assert [passage.document for passage in embedding.search("cells")] == ["a.md"]

    def test_without_pgvector_there_are_the_words(self, embedding: In, psql: Psql) -> None:
        psql.run("DROP TABLE source_embeddings; DROP EXTENSION vector")
        embedding.put("a.md", "# A\n\nCells are small.")
        assert embedding.run(lambda sources: sources.can_embed()) is False
        assert [passage.document for passage in embedding.search("cells")] == ["a.md"]
        psql.file(str(ROOT / "schema.sql"))
        assert embedding.run(lambda sources: sources.can_embed()) is True


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
