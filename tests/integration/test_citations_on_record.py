"""A citation is in the table, in `content_json` and in the Markdown, or in none of them."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from src.config import OpenAISettings
from src.domain.source import Passage
from src.services.model.server import ModelServer
from src.services.sources.vector_store import VectorStoreSearch
from tests.lessons import PASSAGES, lesson
from tests.peers import Peer
from tests.sql import Psql
from tests.stand_in import StandIn

MakePeer = Callable[..., Peer]
QueueCourse = Callable[..., str]


def found_in_vector_store(folder: Path) -> Passage:
    """The one passage of the one document in `folder`."""

    async def search() -> list[Passage]:
        with StandIn(sources=folder) as stand_in:
            server = ModelServer(OpenAISettings(base_url=stand_in.base_url, timeout=5, deadline=5))
            try:
                return await VectorStoreSearch(server, "vs_test").search("plants and animals", None, 5)
            finally:
                await server.close()

    (passage,) = asyncio.run(search())
    return passage


def a_name_of(characters: int, first: str, last: str) -> str:
    """A path that no compression makes shorter."""
    dice = random.Random(7)
    letters = [chr(dice.randint(ord(first), ord(last))) for _ in range(characters - len(".md"))]
    letters[60::60] = ["/"] * len(letters[60::60])
    return "".join(letters) + ".md"


@pytest.mark.parametrize(
    "name", [a_name_of(601, "a", "z"), a_name_of(1000, "\u4e00", "\u9fff")], ids=["601 characters", "3000 bytes"]
)
def test_a_citation_of_a_document_with_a_long_name_is_on_record_everywhere(
    psql: Psql, peer: MakePeer, queue_course: QueueCourse, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(PASSAGES[0].text)
    passage = found_in_vector_store(tmp_path)
    queue_course()
    worker = peer()
    asyncio.run(worker.store.save_lesson(worker.claim_one(), lesson(passages=[passage, PASSAGES[1]]), []))
    stored = psql.row("SELECT content_md, content_json FROM lesson_bodies")
    names = psql.value("SELECT array_agg(document ORDER BY number) FROM lesson_citations")
    assert names == [reference["document"] for reference in stored["content_json"]["references"]]
    assert passage.document in names
    for number, document in enumerate(names, start=1):
        assert f"\n[{number}] {document}: “" in stored["content_md"]
