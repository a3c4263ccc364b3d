"""Publishes a request for a course, as upstream services do, and shows what becomes of it.

    python test_publisher.py --topic "Cell Biology" --grade-level "Grade 8" --num-lessons 4 --wait

From Python: `publish_course_request(topic, ...)` returns the request_id.
"""

import json
import sys
from collections.abc import Callable
from typing import Annotated, Any
from uuid import uuid4

import pika
import typer
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import AMQPError
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from src.config import RabbitMQSettings, Settings, SettingsError
from src.domain.text import shown
from src.operations.terminal import say
from src.services.broker.connection import connection_parameters, explain, open_channel

TEST_USER = "00000000-0000-4000-8000-000000000001"


def publish_course_request(
    topic: str,
    grade_level: str = "Grade 8",
    num_lessons: int = 4,
    source_filter: str | None = None,
    user_id: str = TEST_USER,
    language: str | None = None,
    request_id: str | None = None,
) -> str:
    """Publishes a request to the broker of the environment and returns its request_id, a new one if none is given.

    Raises `pika.exceptions.AMQPError` or `OSError` if the broker can't be reached or doesn't confirm.
    """
    config = Settings().rabbitmq
    body = _request(topic, grade_level, num_lessons, source_filter, user_id, language, request_id)
    connection = BlockingConnection(connection_parameters(config, "test publisher"))
    try:
        _publish(open_channel(connection, config), config, body)
    finally:
        connection.close()
    return str(body["request_id"])


def _request(
    topic: str,
    grade_level: str,
    num_lessons: int,
    source_filter: str | None,
    user_id: str,
    language: str | None,
    request_id: str | None,
) -> dict[str, Any]:
    body = {
        "request_id": request_id or str(uuid4()),
        "user_id": user_id,
        "topic": topic,
        "grade_level": grade_level,
        "num_lessons": num_lessons,
        "source_filter": source_filter,
    }
    return body if language is None else {**body, "language": language}


def _publish(
    channel: BlockingChannel, config: RabbitMQSettings, body: dict[str, Any], reply_to: str | None = None
) -> str:
    """Publishes `body`. Returns the correlation_id that the answer on `reply_to` will have."""
    message_id = str(uuid4())
    channel.confirm_delivery()
    channel.basic_publish(
        config.exchange,
        config.route_generate,
        json.dumps(body).encode(),
        pika.BasicProperties(
            content_type="application/json",
            delivery_mode=pika.DeliveryMode.Persistent,
            message_id=message_id,
            correlation_id=message_id,
            reply_to=reply_to,
            type="course.request",
        ),
        mandatory=True,
    )
    return message_id


def _follow(
    channel: BlockingChannel, queue: str, request_id: str, answer: str, show: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Shows every message about the request; returns its result. `answer` is what `_publish` has returned."""
    for _method, properties, content in channel.consume(queue, auto_ack=True):
        message = json.loads(content)
        # If the request_id itself is refused, only the correlation_id tells which request the refusal is for.
        if message["request_id"] == request_id or properties.correlation_id == answer:
            show(message)
            if message["status"] in ("success", "error"):
                channel.cancel()
                return dict(message)
    raise ConnectionError("the broker cancelled the subscription")


def publish_and_wait(config: RabbitMQSettings, body: dict[str, Any]) -> dict[str, Any]:
    """Publishes `body`, shows the progress of its course, and returns the result."""
    connection = BlockingConnection(connection_parameters(config, "test publisher"))
    try:
        channel = open_channel(connection, config)
        # A queue of its own: the status queue belongs to upstream services, which would miss what is taken from it.
        queue = channel.queue_declare("", exclusive=True).method.queue
        for route in (config.route_status, config.route_progress):
            channel.queue_bind(queue, config.exchange, route)
        columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn()
        with Progress(*columns) as progress:
            # The outline counts as a step, so that the bar moves from the beginning.
            bar = progress.add_task("Waiting for a worker", total=body["num_lessons"] + 1)

            def show(message: dict[str, Any]) -> None:
                progress.update(bar, description=shown(str(message["message"])))
                if message["status"] == "generating":
                    progress.update(bar, completed=message["lessons_done"] + 1, total=message["total_lessons"] + 1)
                elif message["status"] == "success":
                    progress.update(bar, completed=message["total_lessons"] + 1)

            answer = _publish(channel, config, body, reply_to=queue)
            return _follow(channel, queue, body["request_id"], answer, show)
    finally:
        connection.close()


def main(
    topic: Annotated[str, typer.Option(help="What the course is about")] = "Cell Biology",
    grade_level: Annotated[str, typer.Option(help="Grade level of the learners")] = "Grade 8",
    num_lessons: Annotated[int, typer.Option(help="How many lessons")] = 4,
    source_filter: Annotated[str | None, typer.Option(help="Path prefix of the allowed sources")] = None,
    user_id: Annotated[str, typer.Option(help="UUID of the user the course is for")] = TEST_USER,
    language: Annotated[str | None, typer.Option(help="BCP 47 tag, such as en or pt-BR")] = None,
    request_id: Annotated[
        str | None, typer.Option(help="Sent again, it is the same request; a new one if left out")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until the result")] = False,
) -> None:
    """Publish a request for a course. With --wait the exit code is 1 if the course fails."""
    try:
        config = Settings().rabbitmq
    except SettingsError as error:
        say(*error.lines())
        sys.exit(2)
    wanted = topic, grade_level, num_lessons, source_filter, user_id, language, request_id or str(uuid4())
    body = _request(*wanted)
    try:
        if not wait:
            say(f"Published; request_id {publish_course_request(*wanted)}")
            return
        result = publish_and_wait(config, body)
    except (AMQPError, OSError) as error:
        say(f"Broker: {explain(error, config)}")
        sys.exit(1)
    except KeyboardInterrupt:
        say(f"Not waiting any longer; request_id {body['request_id']}")
        sys.exit(130)
    for name, value in result.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        say(f"{name:>14}: {text}")
    sys.exit(0 if result["status"] == "success" else 1)


if __name__ == "__main__":
    typer.run(main)
