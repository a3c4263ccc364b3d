"""The stand-in model in a thread of the test run: real HTTP, with its state at hand."""

import asyncio
import json
import threading
import urllib.request
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from src.devtools.local_service import HOST
from src.devtools.stand_in_model import StandInModel
from tests.waiting import PATIENCE, eventually


class StandIn:
    """A stand-in model, to be used as a context. It has no calls and no faults at first."""

    def __init__(self, **settings: Any) -> None:
        """`settings` are those of `StandInModel`."""
        self._port = 0
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._listening = threading.Event()

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self._port}/v1"

    def fault(self, kind: str, **rule: Any) -> None:
        """Makes calls go wrong; see `stand_in_faults.Fault`."""
        self._request("POST", "/faults", {"kind": kind, **rule})

    def clear_faults(self) -> None:
        self._request("DELETE", "/faults")

    def release(self) -> None:
        """Lets held calls go on."""
        self._request("POST", "/release", {})

    def stats(self) -> dict[str, Any]:
        return self._request("GET", "/stats")

    @property
    def calls(self) -> dict[str, int]:
        """The number of calls so far, by `topic/step`."""
        return dict(self.stats()["by_step"])

    def wait_until_held(self, number: int = 1) -> None:
        """Returns when `number` calls are held."""
        eventually(lambda: self.stats()["held"] == number, f"{number} calls are held")

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listening.wait(PATIENCE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = self._loop.run_until_complete(self._listen())
        self._listening.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    def _model(self, **settings: Any) -> StandInModel:
        return StandInModel(**settings)

    def _application(self, **settings: Any) -> web.Application:
        return self._model(**settings).application()

    def _site(self, runner: web.AppRunner) -> web.TCPSite:
        return web.TCPSite(runner, HOST, 0)

    async def _listen(self) -> web.AppRunner:
        application = self._application(**self._settings)
        runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await self._site(runner).start()
        self._port = runner.addresses[0][1]
        return runner

    def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        url = f"http://{HOST}:{self._port}{path}"
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request) as response:
            return dict(json.load(response))
