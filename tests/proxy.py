"""A TCP proxy between a worker and a real server, which does to their connections what networks do."""

import asyncio
import ctypes
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from src.devtools.local_service import HOST

# Linux lets any program filter the packets that come to its sockets. This filter drops every packet, so that its sender
# sees neither data nor acknowledgement, as if the cable were cut. Closing the socket would tell the sender.
_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27
_KEEP_NOTHING = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
_FILTER = struct.pack("HP", 1, ctypes.addressof(_KEEP_NOTHING))


@dataclass(eq=False)
class _Link:
    """A connection of a client, and the connection to the server that belongs to it."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    marks_seen: int = 0
    answer_awaited: bool = False
    from_server: int = 0
    """Bytes that came from the server so far."""

    def reset(self) -> None:
        for writer in (self.client, self.server):
            if writer.is_closing():
                continue
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


@dataclass
class _Trap:
    """What happens when a client sends `marks`, in this order, in one connection."""

    marks: tuple[bytes, ...]
    answered: bool
    spring: Callable[[], None]

    def is_reached(self, link: _Link, data: bytes) -> bool:
        while link.marks_seen < len(self.marks) and self.marks[link.marks_seen] in data:
            link.marks_seen += 1
        return link.marks_seen == len(self.marks)


class Proxy:
    """The proxy, to be used as a context. Everything passes until a fault is set; `heal` ends all faults."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self.port = 0
        self.sprung = threading.Event()
        """Set when a trap has sprung."""
        self._links: set[_Link] = set()
        self._trap: _Trap | None = None
        self._limit: int | None = None
        self._size, self._pause = 65536, 0.0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def cut(self) -> None:
        """Lets nothing pass, in either direction, and tells nobody; a new connection gets no answer."""
        self._call(self._cut)

    def reset(self) -> None:
        """Ends every connection with RST."""
        self._call(self._reset)

    def reset_after(self, number: int) -> None:
        """Ends each connection, also a new one, when `number` bytes have come from the server in it."""
        self._call(lambda: setattr(self, "_limit", number))

    def trickle(self, size: int, pause: float) -> None:
        """Lets `size` bytes pass at a time, with `pause` seconds after each."""

        def slow_down() -> None:
            self._size, self._pause = size, pause

        self._call(slow_down)

    def cut_at(self, *marks: bytes, answered: bool) -> None:
        """Cuts when a client sends `marks`: before the last one passes, or (`answered`) when its answer would."""
        self._set(marks, answered, self._cut)

    def reset_at(self, *marks: bytes, answered: bool) -> None:
        """Does as `cut_at`, but resets."""
        self._set(marks, answered, self._reset)

    def heal(self) -> None:
        """Lets everything pass again, also what was held up in connections that are still there."""
        self._call(self._heal)

    def __enter__(self) -> Self:
        self._thread.start()
        self._await(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._await(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, change: Callable[[], None]) -> None:
        async def make() -> None:
            change()

        self._await(make())

    def _await(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _set(self, marks: tuple[bytes, ...], answered: bool, spring: Callable[[], None]) -> None:
        self._call(lambda: setattr(self, "_trap", _Trap(marks, answered, spring)))

    def _spring(self) -> None:
        trap, self._trap = self._trap, None
        if trap is not None:
            trap.spring()
            self.sprung.set()

    def _cut(self) -> None:
        self._passing.clear()
        for end in self._sockets():
            end.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _FILTER)

    def _heal(self) -> None:
        if not self._passing.is_set():
            for end in self._sockets():
                end.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)
        self._trap, self._limit, self._size, self._pause = None, None, 65536, 0.0
        self._passing.set()

    def _reset(self) -> None:
        for link in self._links:
            link.reset()

    def _sockets(self) -> list[Any]:
        ends = [writer for link in self._links for writer in (link.client, link.server)]
        return [*self._listener.sockets, *(end.get_extra_info("socket") for end in ends if not end.is_closing())]

    async def _listen(self) -> None:
        self._passing = asyncio.Event()
        self._passing.set()
        self._listener = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        self._listener.close()
        self._heal()
        self._reset()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)

    async def _serve(self, from_client: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        await self._passing.wait()
        try:
            from_server, server = await asyncio.open_connection(HOST, self._server_port)
        except OSError:  # the server is away, or doesn't take connections
            client.transport.abort()
            return
        link = _Link(client, server)
        self._links.add(link)
        if not self._passing.is_set():  # cut while it was being made
            self._cut()
        requests, answers = self._requests(link, from_client), self._answers(link, from_server)
        await asyncio.gather(requests, answers, return_exceptions=True)
        self._links.discard(link)
        for writer in (client, server):
            writer.close()

    async def _requests(self, link: _Link, source: asyncio.StreamReader) -> None:
        while data := await source.read(65536):
            reached = self._trap is not None and self._trap.is_reached(link, data)
            if reached and self._trap is not None and not self._trap.answered:
                self._spring()
            await self._pass_on(data, link.server)
            link.answer_awaited |= reached
        _end_of_data(link.server)

    async def _answers(self, link: _Link, source: asyncio.StreamReader) -> None:
        while data := await source.read(65536):
            if link.answer_awaited:
                self._spring()
            if self._limit is not None and link.from_server + len(data) > self._limit:
                await self._pass_on(data[: max(0, self._limit - link.from_server)], link.client)
                link.reset()
                return
            link.from_server += len(data)
            await self._pass_on(data, link.client)
        _end_of_data(link.client)

    async def _pass_on(self, data: bytes, target: asyncio.StreamWriter) -> None:
        for start in range(0, len(data), self._size):
            await self._passing.wait()
            target.write(data[start : start + self._size])
            await target.drain()
            if self._pause:
                await asyncio.sleep(self._pause)


def _end_of_data(target: asyncio.StreamWriter) -> None:
    if not target.is_closing():
        target.write_eof()
