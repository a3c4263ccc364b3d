"""A limit to what is read of an answer, whoever reads it: the client reads errors to their end, of any length."""

from collections.abc import AsyncIterator

import httpx2

MOST_ERROR_BYTES = 1024 * 1024
MOST_BYTES = 64 * 1024 * 1024
"""More than the vectors of many texts take, or the longest completion that is read."""


async def bound(response: httpx2.Response) -> None:
    """Puts the limit around the body of `response`, which is not yet read. Reading beyond it raises `ReadError`."""
    most = MOST_ERROR_BYTES if response.is_error else MOST_BYTES
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _Bounded(response.stream, most)


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, most: int) -> None:
        self._stream = stream
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self._stream:
            size += len(piece)
            if size > self._most:
                raise httpx2.ReadError(f"the answer has more than {self._most} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()
