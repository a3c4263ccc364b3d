"""Searches an OpenAI vector store for passages."""

import structlog
from openai.types import VectorStoreSearchResponse
from openai.types.vector_stores import VectorStoreFile

from src.domain.model_call import RecordCall
from src.domain.source import Passage, document_name, passes_filter, path_segments
from src.domain.text import cleaned
from src.services.sources.model_connection import ModelConnection

_log = structlog.get_logger(__name__)

# The API returns at most 50: https://platform.openai.com/docs/api-reference/vector-stores/search
_MOST_RESULTS = 50
# A page of files has at most so many. One is enough: the prefixes are a hint for whoever got a filter wrong.
_FILES = 100
_MOST_PREFIXES = 20


class VectorStoreSearch:
    """A `SourceSearch` over the vector store that VECTOR_DB_ID names.

    The API filters by equality only, so the path prefix is applied to what it returns: to a file's `path` attribute if
    it has one, else to its name.
    """

    def __init__(self, server: ModelConnection, vector_store_id: str) -> None:
        self._server = server
        self._vector_store_id = vector_store_id

    async def search(
        self, query: str, source_filter: str | None, limit: int, record: RecordCall | None = None
    ) -> list[Passage]:
        """Searches the vector store; see `SourceSearch.search`."""

        async def request() -> list[VectorStoreSearchResponse]:
            page = await self._server.client.vector_stores.search(
                self._vector_store_id,
                query=query,
                max_num_results=_MOST_RESULTS if source_filter else min(limit, _MOST_RESULTS),
            )
            return page.data

        results = await self._server.call(request)
        passages = [_passage(result) for result in results]
        allowed = [passage for passage in passages if passes_filter(passage.document, source_filter)]
        if passages and not allowed:
            _log.warning(
                "the source filter lets none of the results through",
                action="source_filter_empty",
                source_filter=source_filter,
                results=len(passages),
            )
        return allowed[:limit]

    async def prefixes(self) -> list[str]:
        """Lists first segments of paths; see `SourceSearch.prefixes`.

        Only the `path` attributes of the first hundred files are looked at.
        """

        async def request() -> list[VectorStoreFile]:
            page = await self._server.client.vector_stores.files.list(self._vector_store_id, limit=_FILES)
            return page.data

        paths = [(file.attributes or {}).get("path") for file in await self._server.call(request)]
        known = (path_segments(document_name(path)) for path in paths if isinstance(path, str))
        return sorted({segments[0] for segments in known if segments})[:_MOST_PREFIXES]


def _passage(result: VectorStoreSearchResponse) -> Passage:
    path = (result.attributes or {}).get("path")
    return Passage(
        document=document_name(path if isinstance(path, str) and path else result.filename),
        section="",
        text=cleaned("\n".join(part.text for part in result.content)),
        score=result.score,
    )
