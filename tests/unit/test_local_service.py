import socket
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from src.devtools.local_service import HOST, HeldPort
from src.operations.known_schema import ROOT


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a port be held beside its server")
def test_a_held_port_is_its_servers_again_and_again_and_nobody_elses() -> None:
    held = HeldPort()
    for _ in range(2):
        with socket.create_server((HOST, held.number)):
            socket.create_connection((HOST, held.number)).close()
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind((HOST, held.number))


def test_nothing_is_removed_while_the_services_run(tmp_path: Path) -> None:
    (tmp_path / ".services").mkdir()
    script = [ROOT / "scripts" / "remove-elsewhere"]
    with FileLock(tmp_path / ".services" / "lock"):
        refused = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True)
    assert (refused.returncode, "end `make run`" in refused.stderr) == (1, True)
    assert subprocess.run(script, cwd=tmp_path).returncode == 0
