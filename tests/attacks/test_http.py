"""The HTTP port in the hands of somebody who can reach it."""

import resource
import socket
from contextlib import ExitStack, suppress

import psutil
import pytest

from src.devtools.local_service import HOST
from tests.conftest import Workers
from tests.health import Health
from tests.upstream import Upstream
from tests.worker_process import WorkerProcess

pytestmark = pytest.mark.attack

MANY = 1000


NOT_HTTP = [
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET /" + b"x" * 20_000,
    b"GET /live HTTP/1.1\r\nX: " + b"x" * 20_000,
    b"GET /live HTTP/1.1\r\n" + b"X: x\r\n" * 1000,
    b"GET /live HTTP/1.1\r\nHost: \xff\r\n\r\n",
    b"GET http://[::1/live HTTP/1.1\r\n\r\n",
    b"POST /live HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /live HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
]


def test_connections_that_ask_for_nothing_cost_no_request_and_no_log(
    workers: Workers, upstream: Upstream, health: Health, user_id: str
) -> None:
    worker = workers.start(**health.settings)
    resource.prlimit(worker.pid, resource.RLIMIT_NOFILE, (1024, 1024))
    port = int(health.settings["HEALTH_PORT"])
    with ExitStack() as connections:
        for number in range(MANY):
            connection = connections.enter_context(socket.create_connection((HOST, port)))
            if number % 2:
                connection.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        assert health.is_live
        assert psutil.Process(worker.pid).num_fds() < 300
        lines = len(worker.log)
        request_id = upstream.request(user_id, num_lessons=1)
        assert upstream.result().fields["request_id"] == request_id
        assert health.is_live
    assert lines < MANY / 10
    assert worker.other_output == []
    assert worker.stop() == 0


def listening(worker: WorkerProcess, port: int) -> list[str]:
    """The addresses on which a worker listens on a port."""
    connections = psutil.Process(worker.pid).net_connections()
    return [each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN and each.laddr.port == port]


def test_it_listens_on_this_machine_only_unless_it_is_told_otherwise(workers: Workers, health: Health) -> None:
    port = int(health.settings["HEALTH_PORT"])
    worker = workers.start(**health.settings)
    assert listening(worker, port) == [HOST]
    assert worker.stop() == 0
    assert "0.0.0.0" in listening(workers.start(**health.settings, HEALTH_HOST="0.0.0.0"), port)


def test_what_is_no_http_is_refused_and_fills_no_log(workers: Workers, health: Health) -> None:
    worker = workers.start(**health.settings)
    port = int(health.settings["HEALTH_PORT"])
    before = len(worker.log)
    for text in NOT_HTTP * 20:
        with socket.create_connection((HOST, port)) as connection:
            connection.sendall(text)
            connection.shutdown(socket.SHUT_WR)
            # A reset is an answer too: what came after the refusal was never read.
            with suppress(ConnectionError):
                while connection.recv(4096):
                    pass
    assert health.is_live
    assert len(worker.log) - before < 20
    assert worker.stop() == 0
    assert worker.other_output == []
