"""The stand-in's vector store API: the search in a store, and the list of its files."""

from collections import Counter
from pathlib import Path

from aiohttp import web

from src.devtools.stand_in_faults import api_error
from src.devtools.stand_in_sources import StandInSources


class StandInVectorStore:
    """The vector stores of the stand-in, which all hold the files of one folder, or none."""

    def __init__(self, folder: Path | None, calls: Counter[str]) -> None:
        """`calls` counts the calls by their kind."""
        self._sources = StandInSources(folder) if folder else None
        self._calls = calls

    def routes(self) -> list[web.RouteDef]:
        """Returns the routes that are served here."""
        return [
            web.post("/v1/vector_stores/{id}/search", self._search),
            web.get("/v1/vector_stores/{id}/files", self._files),
        ]

    async def _search(self, request: web.Request) -> web.Response:
        asked = await request.json()
        most = int(asked.get("max_num_results", 10))
        if not 1 <= most <= 50:
            return api_error(400, "invalid_request_error", "max_num_results must be between 1 and 50")
        self._calls["vector_store/search"] += 1
        found = await self._sources.search(str(asked["query"]), None, most) if self._sources else []
        results = [
            {
                "file_id": f"file-{passage.document}",
                "filename": passage.document.rpartition("/")[2],
                "score": passage.score,
                "attributes": {"path": passage.document},
                "content": [{"type": "text", "text": passage.text}],
            }
            for passage in found
        ]
        page = {"object": "vector_store.search_results.page", "search_query": asked["query"], "data": results}
        return web.json_response({**page, "has_more": False, "next_page": None})

    async def _files(self, request: web.Request) -> web.Response:
        self._calls["vector_store/files"] += 1
        documents = await self._sources.documents() if self._sources else []
        files = [
            {
                "id": f"file-{document}",
                "object": "vector_store.file",
                "created_at": 0,
                "status": "completed",
                "usage_bytes": 0,
                "vector_store_id": request.match_info["id"],
                "attributes": {"path": document},
            }
            for document in documents[: int(request.query.get("limit", 20))]
        ]
        return web.json_response({"object": "list", "data": files, "has_more": len(files) < len(documents)})
