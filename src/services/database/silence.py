"""Breaks connections on which nothing is answered any more.

TCP tells of a server that has vanished. Of one that has vanished behind a pooler it tells only the pooler, which may
wait for hours. So would a thread that waits for an answer, and with it the stop of the process.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import psycopg2
import structlog
from psycopg2.extensions import connection as PlainConnection
from psycopg2.extensions import cursor as PlainCursor

_log = structlog.get_logger(__name__)


class SilenceWatch:
    """Breaks each connection that has waited for one answer for `seconds`; its statement then fails as with a reset."""

    def __init__(self, seconds: float) -> None:
        """`seconds` has to be longer than the server lets a statement take."""
        self._seconds = seconds
        self._waiting: dict[PlainConnection, float] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="database-silence", daemon=True)
        self._thread.start()

    def connection(self, dsn: str) -> PlainConnection:
        """Returns a connection that is watched. Give this method to psycopg2 as its `connection_factory`."""
        return _Connection(self, dsn)

    def end(self) -> None:
        """Stops watching."""
        self._ended.set()
        self._thread.join()

    @contextlib.contextmanager
    def during(self, connection: PlainConnection) -> Iterator[None]:
        """Watches a connection while the block waits for an answer."""
        with self._lock:
            self._waiting[connection] = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._waiting.pop(connection, None)

    def _run(self) -> None:
        while not self._ended.wait(self._seconds / 10):
            # Until this lets go, nobody who gets an answer goes on to close a socket, whose number another one may get.
            with self._lock:
                before = time.monotonic() - self._seconds
                silent = [connection for connection, since in self._waiting.items() if since < before]
                for connection in silent:
                    del self._waiting[connection]
                    _break(connection)
            for _ in silent:
                _log.error("a statement is not answered; its connection is broken off", action="database_silent")


def _break(connection: PlainConnection) -> None:
    with contextlib.suppress(OSError, psycopg2.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


class _Cursor(PlainCursor):
    """Watches its connection while a statement runs."""

    def execute(self, query: Any, vars: Any = None) -> None:
        """Does what psycopg2 does."""
        with cast(_Connection, self.connection).watched():
            super().execute(query, vars)

    def executemany(self, query: Any, vars_list: Any) -> None:
        """Does what psycopg2 does."""
        with cast(_Connection, self.connection).watched():
            super().executemany(query, vars_list)


class _Connection(PlainConnection):
    """Has its statements, commits and rollbacks watched."""

    def __init__(self, watch: SilenceWatch, dsn: str) -> None:
        super().__init__(dsn)
        self._watch = watch
        self.cursor_factory = _Cursor

    def watched(self) -> contextlib.AbstractContextManager[None]:
        """Is around whatever waits for an answer."""
        return self._watch.during(self)

    def commit(self) -> None:
        """Does what psycopg2 does."""
        with self.watched():
            super().commit()

    def rollback(self) -> None:
        """Does what psycopg2 does."""
        with self.watched():
            super().rollback()
