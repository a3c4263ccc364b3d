"""Transactions that nobody works on."""

import contextlib
import time
from collections.abc import Collection
from pathlib import Path

import psutil
import psycopg2

_IDLE = """
    SELECT pid, client_port, state_change FROM pg_stat_activity
    WHERE application_name IN ('course-generator', 'heartbeat') AND state LIKE 'idle in transaction%%'
      AND now() - state_change > %s * interval '1 second'
"""
_LOOKS = 20
_PAUSE = 0.05


def neglected(connection: "psycopg2.extensions.connection", workers: Collection[int], seconds: float = 1.0) -> int:
    """How many transactions of `workers` (pids) are idle for over `seconds` while their worker sleeps.

    On a busy machine a worker may wait for the processor between two statements: then one of its threads could run, or
    waits for the disk. A worker that waits for a model or a broker sleeps in all of its threads. Looks again for a
    second, as one that works beside its wait may be seen in a moment in which it does.
    """
    for _ in range(_LOOKS):
        before = _idle(connection, seconds)
        if not before:
            return 0
        sleeping = _ports_of([worker for worker in workers if not _is_at_work(worker)])
        still = [session for session in _idle(connection, seconds) if session in before and session[1] in sleeping]
        if still:
            return len(still)
        time.sleep(_PAUSE)
    return 0


def _idle(connection: "psycopg2.extensions.connection", seconds: float) -> list[tuple[int, int, object]]:
    with connection.cursor() as cursor:
        cursor.execute(_IDLE, (seconds,))
        return [(pid, port, since) for pid, port, since in cursor.fetchall()]


def _is_at_work(pid: int) -> bool:
    """Whether a thread of the process runs, could run, or waits for the disk. See proc(5), /proc/pid/stat."""
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(OSError):
            # The name, in brackets, may hold anything; the state is the letter after it.
            if stat.read_text().rpartition(")")[2].split()[0] in "RD":
                return True
    return False


def _ports_of(workers: Collection[int]) -> set[int]:
    ports = set()
    for worker in workers:
        with contextlib.suppress(psutil.Error):
            ports |= {connection.laddr.port for connection in psutil.Process(worker).net_connections("tcp")}
    return ports
