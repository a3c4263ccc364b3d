"""Takes requests from the queue: each becomes a committed course, or a refusal, before its message is acknowledged."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial

import structlog
from pika import BasicProperties
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import AMQPError
from pika.spec import Basic
from sqlalchemy.exc import SQLAlchemyError

from src.config import RabbitMQSettings
from src.consumers.accepted_courses import AcceptedCourses
from src.consumers.database_watch import DatabaseWatch
from src.consumers.delivery import Delivery
from src.consumers.files_only import FilesOnlyWorker
from src.domain.backoff import backoff
from src.domain.errors import CourseError, InternalError, InvalidRequest
from src.domain.message import ReplyAddress
from src.domain.request import IdentifiedRequest, identifiers, valid_request_id
from src.domain.text import has_control_characters
from src.services.broker.connection import BrokerThread
from src.services.crash_points import crash_point
from src.services.database.connection import is_about_values, is_away
from src.services.database.intake import Intake, Reception

_log = structlog.get_logger(__name__)


class GenerationConsumer:
    """Receives in a thread that owns the connection; decides, one message after the other, in the event loop."""

    def __init__(
        self,
        intake: Intake,
        config: RabbitMQSettings,
        max_lessons: int,
        slots: int,
        watch: DatabaseWatch,
        files_only: FilesOnlyWorker | None,
        accepted: AcceptedCourses,
        on_accepted: Callable[[], None],
        on_answered: Callable[[], None],
    ) -> None:
        """At least `slots` messages are taken ahead. `files_only`: who gets them while the database is away."""
        self._intake = intake
        self._max_lessons = max_lessons
        self._watch = watch
        self._files_only = files_only
        self._accepted = accepted
        self._on_accepted = on_accepted
        self._on_answered = on_answered
        self._deliveries: asyncio.Queue[Delivery] = asyncio.Queue()
        self._receiver = _Receiver(config, max(config.prefetch, slots), self._deliveries)
        self._task: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether requests are being received."""
        return self._receiver.connected

    async def start(self) -> None:
        """Begins to receive, if it hasn't yet."""
        if self._task is not None:
            return
        self._receiver.loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run(), name="GenerationConsumer")
        self._receiver.start()

    async def stop(self) -> None:
        """Stops receiving. What isn't acknowledged by now goes back to the queue."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.to_thread(self._receiver.stop)

    def repeat(self, delivery: Delivery) -> None:
        """Puts a message at the end of the line again. Call it from the event loop."""
        self._deliveries.put_nowait(delivery)

    async def _run(self) -> None:
        failures = 0
        while True:
            delivery = await self._deliveries.get()
            if not delivery.is_current():
                continue
            try:
                crash_point("received")
                if self._files_only is not None and not self._watch.present:
                    await self._files_only.take(delivery)
                elif await self.handle(delivery):
                    crash_point("accepted")
                    delivery.acknowledge()
                failures = 0
            except SQLAlchemyError as error:
                # To the end of the line: one message that waits for a lock doesn't hold up the others.
                self.repeat(delivery)
                if is_away(error):
                    await self._watch.lost()
                if self._files_only is not None and not self._watch.present:
                    continue
                failures += 1
                _log.error(
                    "the database can't take requests in; they wait in the queue",
                    action="intake_waiting",
                    error=f"{type(error).__name__}: {getattr(error, 'orig', error)}".strip(),
                )
                await asyncio.sleep(backoff(failures, 1.0, 30.0))
            except Exception:
                # Neither accepted nor refused: it stays unacknowledged, and comes again with the next connection.
                _log.exception("a request could not be taken in", action="intake_failed")

    async def handle(self, delivery: Delivery) -> bool:
        """Accepts or refuses one message. True: that is committed and the message may be acknowledged.

        False: its course is being written with files only, and it is held for that. Raises `SQLAlchemyError` where the
        database can neither accept nor refuse now.
        """
        try:
            request = delivery.request(self._max_lessons)
            if self._files_only is not None and await self._files_only.concerns(delivery, request):
                return False
            await self._accept(delivery, request)
        except InvalidRequest as error:
            await self._refuse(delivery, error)
        except Exception as error:
            if isinstance(error, SQLAlchemyError) and not is_about_values(error):
                raise  # no fault of the request
            _log.exception("an unexpected error at intake", action="intake_error")
            await self._refuse(delivery, InternalError("the request met an unexpected error at intake"))
        return True

    async def _accept(self, delivery: Delivery, request: IdentifiedRequest) -> None:
        reception, course_id = await self._intake.accept(
            request, delivery.body, redelivered=delivery.redelivered, reply=delivery.reply
        )
        self._accepted.add(course_id)
        fields = {"request_id": request.request_id, "course_id": str(course_id)}
        match reception:
            case Reception.ACCEPTED:
                _log.info("a request is accepted", action="request_accepted", **fields)
                self._on_accepted()
            case Reception.STILL_OPEN:
                _log.info("a request came again while its course is open", action="request_repeated", **fields)
            case Reception.RESULT_REPEATED:
                _log.info("a request came again; its result is sent again", action="result_repeated", **fields)
                self._on_answered()
            case Reception.CONFLICT:
                _log.warning("a request_id was used for another request", action="request_conflict", **fields)
                self._on_answered()

    async def _refuse(self, delivery: Delivery, error: CourseError) -> None:
        request_id, user_id = identifiers(delivery.body, delivery.message_id)
        await self._intake.refuse(error, delivery.body, request_id=request_id, user_id=user_id, reply=delivery.reply)
        _log.warning(
            "a request is refused",
            action="request_refused",
            request_id=request_id,
            error_code=error.code.value,
            error=str(error),
            bytes=len(delivery.body),
        )
        self._on_answered()


class _Receiver(BrokerThread):
    """Hands messages to the event loop and brings acknowledgements back to the thread that owns the channel."""

    loop: asyncio.AbstractEventLoop

    def __init__(self, config: RabbitMQSettings, prefetch: int, deliveries: asyncio.Queue[Delivery]) -> None:
        super().__init__(config, "consumer")
        self._prefetch = prefetch
        self._deliveries = deliveries
        self._end_consuming: Callable[[], None] | None = None

    def _serve(self, connection: BlockingConnection, channel: BlockingChannel) -> None:
        channel.basic_qos(prefetch_count=self._prefetch)
        channel.basic_consume(self._config.queue_generation, partial(self._hand_over, connection))
        self._end_consuming = partial(connection.add_callback_threadsafe, channel.stop_consuming)
        self._ready()
        if not self._stopping.is_set():
            channel.start_consuming()  # raises where the broker closes the channel
        if not self._stopping.is_set():
            # It cancels a subscription without an error, for example when the queue is deleted.
            raise ConnectionError("the broker cancelled the subscription")

    def _wake(self) -> None:
        if self._end_consuming is not None:
            with contextlib.suppress(AMQPError):  # the connection is gone already
                self._end_consuming()

    def _hand_over(
        self,
        connection: BlockingConnection,
        channel: BlockingChannel,
        method: Basic.Deliver,
        properties: BasicProperties,
        body: bytes,
    ) -> None:
        assert method.delivery_tag is not None
        # The acknowledgement is bound to this channel: its tag means nothing on another one.
        delivery = Delivery(
            body=body,
            message_id=valid_request_id(properties.message_id),
            priority=properties.priority,
            redelivered=bool(method.redelivered),
            reply=_reply_address(properties),
            is_current=lambda: channel.is_open,
            acknowledge=partial(_acknowledge, connection, channel, method.delivery_tag),
        )
        self.loop.call_soon_threadsafe(self._deliveries.put_nowait, delivery)


def _acknowledge(connection: BlockingConnection, channel: BlockingChannel, tag: int) -> None:
    def acknowledge() -> None:
        if channel.is_open:
            channel.basic_ack(tag)

    try:
        connection.add_callback_threadsafe(acknowledge)
    except AMQPError:
        # The connection is gone: the message comes again, and is recognised.
        _log.info("a message can't be acknowledged and will come again", action="ack_missed")


def _reply_address(properties: BasicProperties) -> ReplyAddress | None:
    """Where a reply goes; None where `reply_to` is absent or can't be a queue's name."""
    reply_to = _text(properties.reply_to)
    return ReplyAddress(reply_to, _text(properties.correlation_id)) if reply_to else None


def _text(value: object) -> str | None:
    # pika hands on as bytes what is not UTF-8; NUL is not for PostgreSQL.
    return value if isinstance(value, str) and value and not has_control_characters(value) else None
