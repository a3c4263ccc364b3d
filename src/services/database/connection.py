"""The connection to PostgreSQL: a pool, and units of work that are retried as a whole."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from tenacity import AsyncRetrying, Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from src.config import DatabaseSettings
from src.domain.errors import DatabaseUnusable
from src.domain.text import printable
from src.services.database.silence import SilenceWatch

T = TypeVar("T")

# Serialization failure, deadlock, lock or statement time-out; a server that stops, has crashed, is starting or is a
# standby; a session that was idle for too long. https://www.postgresql.org/docs/current/errcodes-appendix.html
_TRANSIENT_STATES = frozenset({"40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "25006", "25P03"})
# Class 08: connection exceptions. Class 53: disk, memory or connections are used up.
_TRANSIENT_CLASSES = ("08", "53")
_LOCK_NOT_AVAILABLE = "55P03"
# By its code, or by words of it: what somebody at the command line should do.
_WHAT_TO_DO = {
    "42P01": "run `python app.py db upgrade`",
    "42501": 'see DATABASE.md, "Rights"',
    "25006": "the role, the database or the server is set to be read-only: `python app.py db check` says which",
}
_WHAT_TO_DO_ABOUT = {
    # libpq sends it if it finds PGOPTIONS.
    "unsupported startup parameter: options": "unset PGOPTIONS: a pooler has no use for it",
    # libpq drops what a pooler says at the end, such as that it can't reach its server.
    "server closed the connection": "a pooler or server is at this address, and its log says why",
}

_CONNECT_ARGS = {
    "connect_timeout": 5,
    # A peer that vanished is noticed in seconds, not after the two hours of TCP's own defaults.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
# Names are looked up where nobody but a superuser can make any. In `public` a caller may: a function that fits a call
# better than the built-in one, with the types of its arguments, would be run with the worker's rights.
SEARCH_PATH = {"search_path": "pg_catalog, pg_temp"}
ONLY_BUILT_IN_NAMES = f"SET LOCAL search_path = {SEARCH_PATH['search_path']}"
# No statement of the worker takes long, so one that does is a fault. Nor may a transaction stay open without work: if
# its worker was cut off, it keeps a course locked until the server ends it. Written as PostgreSQL writes them.
LIMITS = {
    "statement_timeout": "30s",
    # Anybody who may change a course may also lock it. A unit of work that finds a lock lets others have its thread,
    # and is run again.
    "lock_timeout": "300ms",
    "idle_in_transaction_session_timeout": "15s",
}
_SILENCE_SECONDS = 45.0
"""How long an answer may take at most: longer than the server lets a statement run."""


def database_url(config: DatabaseSettings) -> URL:
    """Returns a URL `postgresql+psycopg2://…`; SQLAlchemy 2.1 takes plain `postgresql://` for psycopg 3."""
    # Texts come in all languages, whatever PGCLIENTENCODING or the role's own settings say.
    fixed = {"sslmode": config.sslmode, "client_encoding": "utf8"}
    files = {"sslrootcert": config.sslrootcert, "sslcert": config.sslcert, "sslkey": config.sslkey}
    return URL.create(
        "postgresql+psycopg2",
        username=config.user,
        password=config.password or None,
        host=config.host,
        port=config.port,
        database=config.name,
        query={**fixed, **{name: str(path) for name, path in files.items() if path is not None}},
    )


def create_pool(
    config: DatabaseSettings,
    application_name: str,
    limits: Mapping[str, str] = LIMITS,
    silence: SilenceWatch | None = None,
) -> Engine:
    """Returns a pool that connects on first use and waits at most 10 s for a free connection.

    Each transaction begins with statements that say where names are looked up, and with `limits`. They are not settings
    of the session, because a pooler between here and the server may hand out sessions that others have used. `silence`
    watches the connections, if it is given.
    """
    watched = {} if silence is None else {"connection_factory": silence.connection}
    engine = create_engine(
        database_url(config),
        pool_size=config.pool_size,
        max_overflow=config.max_overflow,
        pool_timeout=10,
        pool_pre_ping=True,
        connect_args={**_CONNECT_ARGS, **watched, "application_name": application_name},
        hide_parameters=True,
    )
    opening = "; ".join((ONLY_BUILT_IN_NAMES, *(f"SET LOCAL {name} = '{value}'" for name, value in limits.items())))

    def open_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(opening)

    event.listen(engine, "begin", open_transaction)
    return engine


class Database:
    """Runs units of work in transactions. `run` does so in a few threads that are kept for it."""

    def __init__(self, config: DatabaseSettings, application_name: str = "course-generator") -> None:
        self.patience = config.patience
        """Seconds for which a unit of work is retried if its caller gives no other number."""
        self._silence = SilenceWatch(_SILENCE_SECONDS)
        self._engine = create_pool(config, application_name, silence=self._silence)
        self._threads = ThreadPoolExecutor(config.pool_size, thread_name_prefix="database")
        # Few, so that however many units wait for locks, the connections are there for the others.
        waiting = max(1, config.pool_size // 4)
        self._lock_threads = ThreadPoolExecutor(waiting, thread_name_prefix="database-locks")

    async def run(self, work: Callable[[Connection], T], patience: float | None = None) -> T:
        """Does what `run_blocking` does, in database threads; between two tries it keeps none.

        If it is cancelled, a try that has begun still runs to its end.
        """
        loop, threads = asyncio.get_running_loop(), self._threads
        async for attempt in AsyncRetrying(**self._retries(patience)):
            with attempt:
                try:
                    return await loop.run_in_executor(threads, self._try, work)
                except DBAPIError as error:
                    threads = self._lock_threads if is_locked(error) else self._threads
                    raise
        raise AssertionError("tenacity either returns or raises")

    def run_blocking(self, work: Callable[[Connection], T], patience: float | None = None) -> T:
        """Runs `work` in one transaction, which commits if it returns and rolls back if it raises; returns its result.

        After a transient error all of it is run again, with jittered backoff, for up to `patience` seconds. So `work`
        may run again after a commit whose confirmation was lost, and must do no harm the second time.
        """
        for attempt in Retrying(**self._retries(patience)):
            with attempt:
                return self._try(work)
        raise AssertionError("tenacity either returns or raises")

    def _try(self, work: Callable[[Connection], T]) -> T:
        with self._engine.begin() as connection:
            return work(connection)

    def _retries(self, patience: float | None) -> dict[str, Any]:
        return {
            "retry": retry_if_exception(is_transient),
            "stop": stop_after_delay(self.patience if patience is None else patience),
            "wait": wait_random_exponential(multiplier=0.05, max=2),
            "reraise": True,
        }

    def reconnect(self) -> None:
        """Closes the connections that nobody uses. What is set for a role or a database holds for new ones alone."""
        self._engine.dispose()

    def dispose(self) -> None:
        """Waits for units of work that are under way, and closes the connections."""
        self._threads.shutdown()
        self._lock_threads.shutdown()
        self._engine.dispose()
        self._silence.end()


def is_transient(error: BaseException) -> bool:
    """Returns whether the same unit of work may succeed if it is run again. Nothing else decides this."""
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = sqlstate(error)
    if state is None:
        # The error is the client library's own: no connection could be made, or it broke.
        return isinstance(error, OperationalError | InterfaceError)
    return error.connection_invalidated or state in _TRANSIENT_STATES or state.startswith(_TRANSIENT_CLASSES)


def is_locked(error: BaseException) -> bool:
    """Returns whether somebody else held a lock for longer than the statement waited for it."""
    return isinstance(error, DBAPIError) and sqlstate(error) == _LOCK_NOT_AVAILABLE


def is_away(error: BaseException) -> bool:
    """Returns whether no server answers. One that refuses a login, a lock or one connection too many does answer."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    # libpq gives no code if no connection was made. If a server refused it, the text says FATAL.
    return sqlstate(error) is None and "FATAL" not in str(error.orig) and not _is_about_tls(error)


def _is_about_tls(error: DBAPIError) -> bool:
    # One side doesn't accept the other's certificate or protocol. libpq's texts, as it gives no code.
    return any(word in str(error.orig) for word in ("certificate", "private key", "not support SSL", "SSL error: tlsv"))


def explained(error: DBAPIError) -> DatabaseUnusable:
    """Returns an error that tells somebody at the command line what is wrong with the database, and what to do."""
    return DatabaseUnusable(f"database: {told(error)}")


def told(error: DBAPIError) -> str:
    """Returns what the server or the client library says is wrong, and what to do about it, in one line."""
    # PostgreSQL's own errors have a code, and go on to quote statements. Of the others, each line may be about another
    # address that was tried.
    text = first_lines(error) if sqlstate(error) else str(error.orig).strip()
    advice = _WHAT_TO_DO.get(sqlstate(error) or "")
    if _is_about_tls(error):
        advice = "check DB_SSLMODE, DB_SSLROOTCERT, DB_SSLCERT and DB_SSLKEY"
    elif is_away(error):
        advice = "check DB_HOST, DB_PORT and whether the server runs"
    advice = next((known for words, known in _WHAT_TO_DO_ABOUT.items() if words in text), advice)
    return printable(text if advice is None else f"{text}; {advice}")


def first_lines(error: DBAPIError) -> str:
    """Returns what PostgreSQL says is wrong, and its hint, in one line."""
    message, *rest = str(error.orig).splitlines() or [type(error).__name__]
    hints = [line.removeprefix("HINT:").strip() for line in rest if line.startswith("HINT:")]
    return ". ".join((message, *hints))


def is_about_values(error: BaseException) -> bool:
    """Returns whether the database refuses the given values, rather than being away, broken, or without the schema."""
    # A limit of the program, such as the longest value, is met by the values too.
    return isinstance(error, DataError | IntegrityError) or str(sqlstate(error)).startswith("54")


def sqlstate(error: BaseException) -> str | None:
    """Returns PostgreSQL's code of an error; None if the client library made the error itself."""
    return getattr(getattr(error, "orig", None), "pgcode", None)
