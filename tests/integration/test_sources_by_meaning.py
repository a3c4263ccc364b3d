"""The library of sources with embeddings: what they add to a search, and what happens without them."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from src.config import OpenAISettings
from src.domain.errors import ModelAccessDenied, ModelUnavailable
from src.domain.model_call import ModelCall
from src.domain.source import Passage
from src.operations.known_schema import ROOT
from src.services.database.connection import Database
from src.services.model import server as model_server
from src.services.model.server import ModelServer
from src.services.sources.embeddings import Embedder
from src.services.sources.library import SourceLibrary
from tests.sources import LIBRARY, In
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.waiting import PATIENCE


@pytest.fixture
def library(database: Database) -> In:
    return In(database)


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


def _has_pgvector(psql: Psql) -> bool:
    return bool(psql.value("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'"))


class TestMeaning:
    """Embeddings, made by the stand-in: texts that share words are near each other."""

    @pytest.fixture
    def embedding(self, database: Database, stand_in: StandIn, psql: Psql) -> In:
        if not _has_pgvector(psql):
            pytest.skip("pgvector is not installed")
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
        monkeypatch.setattr("src.services.database.library_search._FEW", 0)
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
        monkeypatch.setattr(model_server, "_MOST_FOR_ONE_TRY", 2.0)
        embedding.put("a.md", "# A\n\nCells are small.")
        embedding.embed()
        before = stand_in.calls["embeddings"]
        stand_in.fault(kind, times=None)

        async def search() -> tuple[list[Passage], float, int]:
            server = ModelServer(OpenAISettings(base_url=stand_in.base_url))
            try:
                async with asyncio.timeout(PATIENCE):
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

    def test_without_pgvector_there_are_the_words(self, database: Database, stand_in: StandIn, psql: Psql) -> None:
        embedding = In(database, stand_in)
        psql.run("DROP TABLE IF EXISTS source_embeddings; DROP EXTENSION IF EXISTS vector")
        embedding.put("a.md", "# A\n\nCells are small.")
        assert embedding.run(lambda sources: sources.can_embed()) is False
        assert [passage.document for passage in embedding.search("cells")] == ["a.md"]
        psql.file(str(ROOT / "schema.sql"))
        assert embedding.run(lambda sources: sources.can_embed()) is _has_pgvector(psql)
