"""The HTTP port against connections that take and don't ask, or ask for more than a probe would."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from src.devtools.local_service import HOST, free_port
from src.operations.health import HealthServer
from tests.waiting import PATIENCE

Opened = tuple[asyncio.StreamReader, asyncio.StreamWriter]

PROBE = b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n"
SLOW = b"GET /live HTTP/1.1\r\nHost: x\r\nX-Slow: "
MANY = 200


class HeldPage:
    """A page that is made once it may be. Make it in the event loop."""

    def __init__(self) -> None:
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> bytes:
        self.asked.set()
        await self.may_answer.wait()
        return b"the page"


async def empty_page() -> bytes:
    return b""


@asynccontextmanager
async def served(
    page: Callable[[], Awaitable[bytes]] = empty_page, longest_seconds: float = 600.0
) -> AsyncIterator[Callable[[bytes], Awaitable[Opened]]]:
    """Yields what opens a connection to a server and sends it some bytes."""
    port = free_port()
    server = HealthServer(HOST, port, lambda: {"broker": True}, page, longest_seconds)
    await server.start()
    async with AsyncExitStack() as connections, asyncio.timeout(PATIENCE):

        async def opened(text: bytes) -> Opened:
            reader, writer = await asyncio.open_connection(HOST, port)
            connections.callback(writer.close)
            writer.write(text)
            return reader, writer

        try:
            yield opened
        finally:
            await server.stop()


@pytest.mark.parametrize("sent", [b"", b"GET /li", SLOW, PROBE])
def test_every_connection_has_an_end(sent: bytes) -> None:
    async def run() -> bytes:
        async with served(longest_seconds=0.01) as opened:
            reader, _ = await opened(sent)
            return await reader.read()

    assert asyncio.run(run()).startswith(b"HTTP/1.1 200") == (sent == PROBE)


def test_an_answer_that_is_being_made_when_its_connection_ends_is_sent() -> None:
    async def run() -> bytes:
        page = HeldPage()
        async with served(page, longest_seconds=0.01) as opened:
            reader, _ = await opened(PROBE.replace(b"live", b"metrics"))
            await page.asked.wait()
            idle, _ = await opened(b"")
            # It began later, so the first one's time is over when this one's is.
            assert await idle.read() == b""
            page.may_answer.set()
            return await reader.read()

    assert asyncio.run(run()).endswith(b"the page")


def test_a_connection_that_waits_for_its_answer_makes_no_room_for_others() -> None:
    async def run() -> bytes:
        page = HeldPage()
        async with served(page) as opened:
            reader, _ = await opened(PROBE.replace(b"live", b"metrics"))
            await page.asked.wait()
            for _ in range(MANY):
                await opened(SLOW)
            probe, _ = await opened(PROBE)
            assert (await probe.readline()).startswith(b"HTTP/1.1 200")
            page.may_answer.set()
            return await reader.readuntil(b"the page")

    assert asyncio.run(run()).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "request_text",
    [
        pytest.param(b"GET /live HTTP/1.1\r\nX: " + b"x" * 100_000, id="a long header"),
        pytest.param(b"GET /live HTTP/1.1\r\n" + b"X: x\r\n" * 10_000, id="many headers"),
        pytest.param(b"GET /" + b"x" * 100_000, id="a long path"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", id="TLS"),
    ],
)
def test_what_no_probe_sends_is_refused_before_it_ends(request_text: bytes) -> None:
    async def run() -> bytes:
        async with served() as opened:
            reader, _ = await opened(request_text)
            return await reader.readline()

    assert asyncio.run(run()).split()[1] == b"400"


def test_a_page_that_fails_is_an_error_and_no_other_page_suffers(capsys: pytest.CaptureFixture[str]) -> None:
    async def run() -> tuple[bytes, bytes]:
        async def page() -> bytes:
            raise ZeroDivisionError

        async with served(page) as opened:
            metrics, _ = await opened(PROBE.replace(b"live", b"metrics"))
            status = await metrics.readline()
            live, _ = await opened(PROBE)
            return status, await live.readline()

    assert asyncio.run(run()) == (b"HTTP/1.1 500 Internal Server Error\r\n", b"HTTP/1.1 200 OK\r\n")
    assert "page_failed" in capsys.readouterr().out
