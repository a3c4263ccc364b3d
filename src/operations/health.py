"""Health over HTTP, for orchestrators and monitoring: `/live`, `/ready` and `/metrics` on HEALTH_PORT."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4


class HealthServer:
    """`/live` says that the process runs; `/ready` (200 or 503) what it is connected to, as a JSON object."""

    def __init__(
        self, port: int, parts: Callable[[], dict[str, bool]], metrics: Callable[[], Awaitable[bytes]]
    ) -> None:
        """`parts` names each thing that the worker needs and says whether it is there. `metrics`: the page."""
        self._port = port
        self._parts = parts
        self._metrics = metrics
        application = web.Application()
        application.router.add_get("/live", self._live)
        application.router.add_get("/ready", self._ready)
        application.router.add_get("/metrics", self._page)
        self._runner = web.AppRunner(application, access_log=None)

    async def start(self) -> None:
        """Listens on all interfaces: a probe comes from outside the container."""
        await self._runner.setup()
        await web.TCPSite(self._runner, port=self._port).start()

    async def stop(self) -> None:
        """Closes the port."""
        await self._runner.cleanup()

    async def _live(self, _request: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def _ready(self, _request: web.Request) -> web.Response:
        parts = self._parts()
        return web.json_response(parts, status=200 if all(parts.values()) else 503)

    async def _page(self, _request: web.Request) -> web.Response:
        return web.Response(body=await self._metrics(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
