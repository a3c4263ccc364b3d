"""What the private local services have in common."""

import socket

HOST = "127.0.0.1"


class LocalServiceError(RuntimeError):
    """A local service can't be started; the text says what to do."""


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
