"""The connection to RabbitMQ: a thread that owns one, its parameters, and what is declared on the broker."""

import ssl
import threading
import time
from abc import ABC, abstractmethod
from typing import Any

import pika
import pika.data
import structlog
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import (
    AMQPConnectionError,
    ChannelClosedByBroker,
    ConnectionBlockedTimeout,
    ConnectionClosedByBroker,
    IncompatibleProtocolError,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)

from src.config import RabbitMQSettings
from src.domain.backoff import backoff

_log = structlog.get_logger(__name__)

_PRECONDITION_FAILED = 406
_STABLE_SECONDS = 10.0
_LONGEST_PAUSE = 30.0
BLOCKED_SECONDS = 60.0
"""For how long a connection is kept that an alarm of the broker (memory, disk) blocks."""
# A broker that has fallen silent doesn't answer the closing of a connection, and without this limit it would be waited
# for until the connection's heartbeat has failed, for a minute.
FAREWELL_SECONDS = 5.0

# The sizes in bytes of those kinds of header values of which pika can't decode every value: time, double, float.
_SIZES = {b"T": 8, b"d": 8, b"f": 4}
# The kinds that hold other values, and may nest without end: arrays and tables. They begin with their length, in four
# bytes.
_NESTED = (b"A", b"F")


def tolerate_odd_headers() -> None:
    """Makes pika read headers that it can't decode, such as a time in milliseconds or deep nesting, as None.

    Otherwise pika gives up the connection over such a message, gets it again with the next connection, and so on
    without end. Nothing here reads headers.
    """
    decode = pika.data.decode_value
    if getattr(decode, "tolerates", False):
        return

    def tolerant(encoded: bytes, offset: int) -> tuple[Any, int]:
        try:
            return decode(encoded, offset)
        except (ValueError, OverflowError, OSError, RecursionError):
            kind = encoded[offset : offset + 1]
            if kind in _NESTED:
                return None, offset + 5 + int.from_bytes(encoded[offset + 1 : offset + 5], "big")
            if kind not in _SIZES:
                raise
            return None, offset + 1 + _SIZES[kind]

    tolerant.tolerates = True  # type: ignore[attr-defined]
    pika.data.decode_value = tolerant


class BrokerThread(ABC):
    """A thread that owns one connection and reconnects for ever, with jittered backoff.

    Nothing else may touch the connection, as pika's `BlockingConnection` isn't safe across threads.
    """

    def __init__(self, config: RabbitMQSettings, name: str, blocked: float = BLOCKED_SECONDS) -> None:
        self._config = config
        self._name = name
        self._blocked = blocked
        self._stopping = threading.Event()
        self._connected = threading.Event()
        self._connected_at = 0.0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def connected(self) -> bool:
        """Whether the connection is open and ready for its work."""
        return self._connected.is_set()

    def start(self) -> None:
        """Starts connecting."""
        tolerate_odd_headers()
        self._thread.start()

    def stop(self) -> None:
        """Ends the work and closes the connection. Waits for the thread, but five seconds at most."""
        self._stopping.set()
        self._wake()
        if self._thread.ident is not None:
            self._thread.join(FAREWELL_SECONDS)

    @abstractmethod
    def _serve(self, connection: BlockingConnection, channel: BlockingChannel) -> None:
        """Works until `_stopping` is set; raises if the connection or the channel breaks.

        Calls `_ready` as soon as it can do its work.
        """

    def _ready(self) -> None:
        self._connected_at = time.monotonic()
        self._connected.set()
        _log.info("connected to the broker", action="broker_connected", connection=self._name)

    def _pause(self, seconds: float) -> None:
        """Waits until the next try to connect; returns early if the thread is to stop."""
        self._stopping.wait(seconds)

    def _delay_after(self, failures: int, error: str) -> float:
        """Logs that there is no connection; returns the pause until the next try to connect, in seconds."""
        delay = backoff(failures, 1.0, _LONGEST_PAUSE)
        _log.error(
            "no connection to the broker",
            action="broker_unavailable",
            connection=self._name,
            error=error,
            retry_in=round(delay, 1),
        )
        return delay

    def _wake(self) -> None:  # noqa: B027 - a thread that looks at `_stopping` often needs nothing here
        """Makes `_serve` notice that `_stopping` is set."""

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            connection, delay = None, 0.0
            try:
                name = f"course-generator {self._name}"
                connection = BlockingConnection(connection_parameters(self._config, name, self._blocked))
                channel = open_channel(connection, self._config)
                self._serve(connection, channel)
            except Exception as error:
                # A connection that soon breaks doesn't end a row of failures: some refusals come once it is made. Nor
                # does one that was of no use, however long.
                served = self._connected.is_set() and not isinstance(error, ConnectionBlockedTimeout)
                lasted = time.monotonic() - self._connected_at if served else 0.0
                failures = 1 if lasted > _STABLE_SECONDS else failures + 1
                delay = self._delay_after(failures, explain(error, self._config))
                failures = failures if delay else 0
            finally:
                self._connected.clear()
                if connection is not None:
                    close_quietly(connection)
            if not self._stopping.is_set():
                self._pause(delay)


def connection_parameters(
    config: RabbitMQSettings, name: str, blocked: float = BLOCKED_SECONDS
) -> pika.ConnectionParameters:
    """Returns the parameters of a connection that the broker's tools show as `name`.

    It breaks after being `blocked` for so many seconds, with `ConnectionBlockedTimeout`.
    """
    return pika.ConnectionParameters(
        host=config.host,
        port=config.port,
        virtual_host=config.vhost,
        credentials=pika.PlainCredentials(config.username, config.password),
        ssl_options=_ssl_options(config),
        heartbeat=config.heartbeat,
        # pika checks for the broker's heartbeats too seldom to notice within two of them that it is silent. But pika
        # sends its own twice as often, and the kernel sees that TCP doesn't acknowledge them. Milliseconds; Linux only.
        tcp_options={"TCP_USER_TIMEOUT": config.heartbeat * 1000},
        # Off by default: then a broker that is out of memory or disk would be waited for without end.
        blocked_connection_timeout=blocked,
        socket_timeout=10,
        stack_timeout=15,
        client_properties={"connection_name": name, "product": "course-generator"},
    )


def open_channel(connection: BlockingConnection, config: RabbitMQSettings) -> BlockingChannel:
    """Opens a channel, and declares the exchange, the queues and their bindings on it.

    What exists with other arguments is used as it is, with a warning, as other services may have declared it.
    """
    channel = connection.channel()
    channel = _declare_exchange(connection, channel, config)
    for queue in (config.queue_generation, config.queue_status, config.queue_dead):
        channel = declare_queue(connection, channel, config, queue)
    channel.queue_bind(config.queue_generation, config.exchange, config.route_generate)
    channel.queue_bind(config.queue_status, config.exchange, config.route_status)
    return channel


def _declare_exchange(
    connection: BlockingConnection, channel: BlockingChannel, config: RabbitMQSettings
) -> BlockingChannel:
    try:
        channel.exchange_declare(config.exchange, "topic", durable=True)
    except ChannelClosedByBroker as error:
        channel = _reopened(connection, error, config.exchange)
        channel.exchange_declare(config.exchange, passive=True)
    return channel


def declare_queue(
    connection: BlockingConnection, channel: BlockingChannel, config: RabbitMQSettings, queue: str
) -> BlockingChannel:
    """Declares a durable queue, or takes it as it is. Returns `channel`, or another one if the broker closed that."""
    arguments = {"x-queue-type": config.queue_type} if config.queue_type else None
    try:
        channel.queue_declare(queue, durable=True, arguments=arguments)
    except ChannelClosedByBroker as error:
        channel = _reopened(connection, error, queue)
        channel.queue_declare(queue, passive=True)
    return channel


def _reopened(connection: BlockingConnection, error: ChannelClosedByBroker, name: str) -> BlockingChannel:
    if error.reply_code != _PRECONDITION_FAILED:
        raise error
    _log.warning(
        "it exists with other arguments and is used as it is",
        action="declared_differently",
        name=name,
        difference=error.reply_text,
    )
    return connection.channel()


def _ssl_options(config: RabbitMQSettings) -> pika.SSLOptions | None:
    if not config.tls:
        return None
    context = ssl.create_default_context(cafile=str(config.tls_ca_file) if config.tls_ca_file else None)
    if config.tls_cert_file is not None:
        context.load_cert_chain(config.tls_cert_file, config.tls_key_file)
    return pika.SSLOptions(context, server_hostname=config.host)


def explain(error: Exception, config: RabbitMQSettings) -> str:
    """Returns one line that says why there is no connection, and what to check."""
    server = f"{config.host}:{config.port}"
    match error:
        case ProbableAuthenticationError():
            return f"{server} refuses the login of '{config.username}'; check RABBITMQ_USERNAME and RABBITMQ_PASSWORD"
        case ProbableAccessDeniedError():
            return f"'{config.username}' may not use the virtual host '{config.vhost}'; check RABBITMQ_VHOST"
        case ChannelClosedByBroker() | ConnectionClosedByBroker():
            return f"{server} closed it: {error.reply_code} {error.reply_text}"
        case _ if "SSL" in repr(error):
            return (
                f"{server}: {error!r}; check RABBITMQ_PORT, RABBITMQ_TLS, RABBITMQ_TLS_CA_FILE, RABBITMQ_TLS_CERT_FILE"
                " and RABBITMQ_TLS_KEY_FILE"
            )
        case OSError():
            return f"can't connect to {server}: {error}; check RABBITMQ_HOST, RABBITMQ_PORT and RABBITMQ_TLS"
        case IncompatibleProtocolError():
            return f"{server} doesn't answer as a broker does: {error}; check RABBITMQ_PORT and RABBITMQ_TLS"
        case AMQPConnectionError() if not str(error):
            # pika keeps what happened, a chain of attempts to connect, in the arguments alone
            return f"can't connect to {server}: {error!r}; check RABBITMQ_HOST and RABBITMQ_PORT"
        case _:
            return f"{server}: {error!r}"


def close_quietly(connection: BlockingConnection) -> None:
    """Closes a connection, even if it is broken."""
    try:
        if connection.is_open:
            connection.close()
    except Exception as error:
        _log.debug("closing a broken connection failed", action="broker_close", error=repr(error))
