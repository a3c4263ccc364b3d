"""The HTTP server for orchestrators and monitoring: `/live`, `/ready` and `/metrics` on HEALTH_PORT of HEALTH_HOST."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

_log = structlog.get_logger(__name__)

# Probes and Prometheus need a few connections. Each takes a file descriptor from the rest of the process.
_MOST_CONNECTIONS = 50
# How many connections are taken in one go.
_AT_ONCE = 16
# Longer than any answer takes, and shorter than somebody could keep a connection that asks for nothing.
_LONGEST_SECONDS = 30.0
# How long open connections keep a stopping process.
_FAREWELL_SECONDS = 1.0


class HealthServer:
    """A server for probes: `/live` says that the process runs, `/ready` (200 or 503) whether it has what it needs."""

    def __init__(
        self,
        host: str,
        port: int,
        readiness: Callable[[], dict[str, bool]],
        metrics: Callable[[], Awaitable[bytes]],
        longest_seconds: float = _LONGEST_SECONDS,
    ) -> None:
        """`readiness` says of each thing that the worker needs whether it is there; `metrics` makes the page.

        No connection lives longer than `longest_seconds`, but for an answer that is being made.
        """
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None
        self._readiness = readiness
        self._metrics = metrics
        self._longest_seconds = longest_seconds
        self._answering: set[web.RequestHandler] = set()
        application = web.Application(middlewares=[self._answer])
        application.router.add_get("/live", self._live)
        application.router.add_get("/ready", self._ready)
        application.router.add_get("/metrics", self._page)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=_FAREWELL_SECONDS)

    async def start(self) -> None:
        """Starts to listen. Raises `OSError` if that isn't possible."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, self._host, self._port, backlog=_AT_ONCE)

    async def stop(self) -> None:
        """Closes the port."""
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()

    def _connection(self) -> asyncio.Protocol:
        """Returns what handles a new connection. If there are too many, the oldest that ask for nothing go."""
        server = self._runner.server
        assert server is not None
        there = sorted(server.connections, key=self._answering.__contains__)
        for oldest in there[: max(0, len(there) + 1 - _MOST_CONNECTIONS)]:
            oldest.force_close()
        handler = server()
        asyncio.get_running_loop().call_later(self._longest_seconds, self._end, handler)
        return handler

    def _end(self, connection: web.RequestHandler) -> None:
        """Closes a connection; if its request is being answered, after the answer."""
        if connection in self._answering:
            connection.close()
        else:
            connection.force_close()

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Keeps in mind whose request is being answered, so that others make room first. Logs what is our own fault."""
        connection = request.protocol
        self._answering.add(connection)
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except Exception as error:
            _log.exception("A page of the HTTP port failed", action="page_failed", path=request.path)
            raise web.HTTPInternalServerError from error
        finally:
            self._answering.discard(connection)

    async def _live(self, _request: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def _ready(self, _request: web.Request) -> web.Response:
        readiness = self._readiness()
        return web.json_response(readiness, status=200 if all(readiness.values()) else 503)

    async def _page(self, _request: web.Request) -> web.Response:
        return web.Response(body=await self._metrics(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
