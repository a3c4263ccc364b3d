import socket
import sys

import pytest

from src.devtools.local_service import HOST, HeldPort


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a port be held beside its server")
def test_a_held_port_is_its_servers_again_and_again_and_nobody_elses() -> None:
    held = HeldPort()
    for _ in range(2):
        with socket.create_server((HOST, held.number)):
            socket.create_connection((HOST, held.number)).close()
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind((HOST, held.number))
