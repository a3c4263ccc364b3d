"""What the private local services have in common."""

import socket
import sys

HOST = "127.0.0.1"
PATIENCE = 300
"""Seconds that a start or a stop may take. Machines are slow at times; a server that has ended is not waited for."""


class LocalServiceError(RuntimeError):
    """A local service can't be started; the text says what to do."""


class HeldPort:
    """A port that nobody else is given while this object lives, also while its own server is away for a restart.

    Its socket is bound and doesn't listen. Linux then gives the port to nobody who asks for any port, but lets a server
    listen on it that asks for this one and sets SO_REUSEADDR, as PostgreSQL, Erlang and asyncio do. With other systems
    it is free when it is given out, and no more.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((HOST, 0))
        self.number = int(self._socket.getsockname()[1])
        if sys.platform != "linux":
            self._socket.close()


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
