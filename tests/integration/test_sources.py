"""The two source libraries pass one suite (the vector store behind the stand-in's API)."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from src.config import OpenAISettings
from src.domain.errors import ModelAccessDenied, ModelUnavailable
from src.domain.source import Passage
from src.operations.migrations import ROOT
from src.services.markdown_folder import MarkdownFolderSearch
from src.services.model_server import ModelServer
from src.services.vector_store import VectorStoreSearch
from tests.stand_in import StandIn

Search = Callable[..., list[Passage]]

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
    (tmp_path / "library" / "notes.txt").write_text("membrane membrane membrane")
    return tmp_path / "library"


@pytest.fixture(params=["folder", "vector store"])
def search(request: pytest.FixtureRequest, folder: Path) -> Iterator[Search]:
    with ExitStack() as stack:
        if request.param == "folder":
            library = MarkdownFolderSearch(folder)
            yield lambda query, prefix=None, limit=10: asyncio.run(library.search(query, prefix, limit))
        else:
            stand_in = stack.enter_context(StandIn(sources=folder))
            yield lambda query, prefix=None, limit=10: asyncio.run(_in_vector_store(stand_in, query, prefix, limit))


async def _in_vector_store(stand_in: StandIn, query: str, prefix: str | None, limit: int) -> list[Passage]:
    server = ModelServer(OpenAISettings(base_url=stand_in.base_url, timeout=5, deadline=5))
    try:
        return await VectorStoreSearch(server, "vs_test").search(query, prefix, limit)
    finally:
        await server.close()


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
        for prefix in ("bio", "chemistry/", "Biology/"):
            assert search("membrane", prefix) == []

    def test_no_more_than_asked_for(self, search: Search) -> None:
        assert len(search("cells membrane light water", limit=2)) == 2

    def test_a_query_that_fits_nothing_gives_nothing(self, search: Search) -> None:
        assert search("zzz") == []


class TestFolder:
    def run(self, folder: Path, query: str, prefix: str | None = None) -> list[Passage]:
        return asyncio.run(MarkdownFolderSearch(folder).search(query, prefix, 50))

    def test_passages_are_split_by_heading_and_by_size(self, folder: Path) -> None:
        membrane = next(passage for passage in self.run(folder, "membrane border"))
        assert (membrane.section, membrane.text) == ("Membrane", "The membrane is the border of cells.")
        for passage in self.run(folder, "roots water leaves light", "biology"):
            assert len(passage.text) <= 4000

    def test_named_documents_are_used_also_where_no_word_fits(self, folder: Path) -> None:
        assert {passage.document for passage in self.run(folder, "zzz", "physics")} == {"physics/light.md"}

    def test_odd_files_do_no_harm(self, tmp_path: Path) -> None:
        (tmp_path / "empty.md").write_text("")
        (tmp_path / "binary.md").write_bytes(b"\xff\xfe membrane \x00")
        (tmp_path / "folder.md").mkdir()
        (tmp_path / "headings.md").write_text("# A\n# B\n\n## C\n")
        assert [passage.document for passage in self.run(tmp_path, "membrane")] == ["binary.md"]

    def test_an_empty_folder(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, "anything") == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Ancient Rome", False),
        ("Newton's laws of motion", False),
        ("Cell Biology", True),
        ("Stem cells and how they differ", True),
    ],
)
def test_small_words_find_nothing_in_a_library_of_another_subject(query: str, found: bool) -> None:
    library = MarkdownFolderSearch(ROOT / "samples")
    assert bool(asyncio.run(library.search(query, None, 8))) is found


class TestVectorStore:
    """What the API says that the folder can't."""

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
