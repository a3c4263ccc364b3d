"""The HTTP server for orchestrators and monitoring: `/live`, `/ready` and `/metrics` on HEALTH_PORT."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4


class HealthServer:
    """A server for probes: `/live` says that the process runs, `/ready` (200 or 503) whether it has what it needs."""

    def __init__(
        self, port: int, readiness: Callable[[], dict[str, bool]], metrics: Callable[[], Awaitable[bytes]]
    ) -> None:
        """`readiness` says of each thing that the worker needs whether it is there; `metrics` makes the page."""
        self._port = port
        self._readiness = readiness
        self._metrics = metrics
        application = web.Application()
        application.router.add_get("/live", self._live)
        application.router.add_get("/ready", self._ready)
        application.router.add_get("/metrics", self._page)
        self._runner = web.AppRunner(application, access_log=None)

    async def start(self) -> None:
        """Starts to listen, on all interfaces, as probes come from outside the container."""
        await self._runner.setup()
        await web.TCPSite(self._runner, port=self._port).start()

    async def stop(self) -> None:
        """Closes the port."""
        await self._runner.cleanup()

    async def _live(self, _request: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def _ready(self, _request: web.Request) -> web.Response:
        readiness = self._readiness()
        return web.json_response(readiness, status=200 if all(readiness.values()) else 503)

    async def _page(self, _request: web.Request) -> web.Response:
        return web.Response(body=await self._metrics(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
