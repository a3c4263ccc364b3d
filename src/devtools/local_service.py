"""What the private local services share: their address, their ports and their error."""

import contextlib
import os
import socket
import sys
from pathlib import Path

from src.domain.errors import OperatorError

HOST = "127.0.0.1"
PATIENCE = 300
"""Seconds that a start or a stop may take. Machines are slow at times; a server that has ended is not waited for."""
_LISTENS = "0A"
"""The state of a listening socket in /proc/net/tcp."""


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

    With `against_others`, it takes SO_REUSEPORT: then no other account can listen on the port, whatever it sets.
    """

    def __init__(self, wanted: int | None = None, *, against_others: bool = False) -> None:
        """Holds the port `wanted` if it is free, else another."""
        self._socket = socket.socket()
        is_linux = sys.platform == "linux"
        option = socket.SO_REUSEPORT if against_others and is_linux else socket.SO_REUSEADDR
        self._socket.setsockopt(socket.SOL_SOCKET, option, 1)
        try:
            self._socket.bind((HOST, wanted if wanted and is_free(wanted) else 0))
        except OSError:  # somebody took it at this moment
            self._socket.bind((HOST, 0))
        self.number = int(self._socket.getsockname()[1])
        if sys.platform != "linux":
            self._socket.close()


def is_free(port: int) -> bool:
    """Returns whether nobody listens on the port or holds it."""
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
        return True
    return False


def listens(port: int) -> bool:
    """Returns whether a server listens on the port. Only Linux says whose it is.

    Raises `LocalServiceError` if it belongs to neither root nor this account: whoever logs in tells it the password.
    """
    if sys.platform != "linux":
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
            return True
        return False
    # https://docs.kernel.org/networking/proc_net_tcp.html
    address = f"{int.from_bytes(socket.inet_aton(HOST), sys.byteorder):08X}:{port:04X}"
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    owners = {int(fields[7]) for fields in sockets if fields[1] == address and fields[3] == _LISTENS}
    if strangers := owners - {0, os.geteuid()}:
        raise LocalServiceError(
            f"Port {port} was taken by another account of this machine (uid {min(strangers)}), which is told no "
            "password. End what listens there, or `make run`: the next one takes another port"
        )
    return bool(owners)


def free_port() -> int:
    """Returns a port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
