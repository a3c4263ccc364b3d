"""What the private local services share: their address, their ports and their error."""

import socket
import sys

from src.domain.errors import OperatorError

HOST = "127.0.0.1"
PATIENCE = 300
"""Seconds that a start or a stop may take. Machines are slow at times; a server that has ended is not waited for."""


class LocalServiceError(OperatorError):
    """A local service can't be started; the text says what to do."""

    def lines(self) -> list[str]:
        """Returns the lines of the text, as it may hold the end of the service's own log."""
        return str(self).splitlines()


class HeldPort:
    """A port that nobody else is given while this object lives, even while its own server is away for a restart.

    It holds a socket that is bound and doesn't listen. Linux then gives the port to nobody who asks for any port, but a
    server that asks for this one and sets SO_REUSEADDR may listen on it, as PostgreSQL, Erlang and asyncio do. On other
    systems the port is only sure to be free when the object is made.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((HOST, 0))
        self.number = int(self._socket.getsockname()[1])
        if sys.platform != "linux":
            self._socket.close()


def free_port() -> int:
    """Returns a port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
