"""Health over HTTP, for orchestrators: `/live` and `/ready` on HEALTH_PORT."""

from collections.abc import Callable

from aiohttp import web


class HealthServer:
    """`/live` says that the process runs; `/ready` (200 or 503) what it is connected to, as a JSON object."""

    def __init__(self, port: int, parts: Callable[[], dict[str, bool]]) -> None:
        """`parts` names each thing that the worker needs and says whether it is there."""
        self._port = port
        self._parts = parts
        application = web.Application()
        application.router.add_get("/live", self._live)
        application.router.add_get("/ready", self._ready)
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
